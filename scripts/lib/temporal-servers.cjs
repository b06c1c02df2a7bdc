/** Prints the paths of the Temporal executables as JSON; what is fetched meanwhile is told on stderr. */
const { findTemporalCli, findTemporalTestServer } = require('../../dist/src/temporal/server-binary.js');

async function main() {
  const say = (message) => process.stderr.write(`sqlferry: ${message}\n`);
  const cli = await findTemporalCli({ say });
  const testServer = await findTemporalTestServer({ say });
  process.stdout.write(JSON.stringify({ cli: cli.path, testServer: testServer.path }));
}

main().catch((error) => {
  process.stderr.write(`sqlferry: ${error?.message ?? error}\n`);
  process.exitCode = 1;
});
