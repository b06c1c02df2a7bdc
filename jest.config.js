/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' }, sourceMaps: 'inline' },
    ],
    // commander is an ES module only, which jest loads only after a translation.
    '/node_modules/commander/.+\\.js$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'ecmascript' } }, module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!commander/)'],
  setupFilesAfterEnv: ['<rootDir>/test/support/retry-scenarios.ts'],
  testTimeout: 60_000,
  // Scenarios wait more than they work: three at a time keep two cores busy.
  maxWorkers: 3,
};
