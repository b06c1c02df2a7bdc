/** The executable from temporal.download, the way Temporal's own SDKs get it. */
import { readTarGzEntry } from './archive';
import { downloadInfoUrl, type Platform, platformKey, type ServerRelease } from './server-release';

export interface DownloadOptions {
  /** Default https://temporal.download. */
  readonly origin?: string | undefined;
  /** Time to the first byte of an answer, milliseconds: a machine without that network must not wait. */
  readonly firstByteMs?: number | undefined;
  /** Time for the whole archive, milliseconds. */
  readonly totalMs?: number | undefined;
}

const DEFAULTS = { origin: 'https://temporal.download', firstByteMs: 5_000, totalMs: 300_000 };

/** @returns the executable's bytes. @throws Error that says in one line why not. */
export async function downloadOfficial(
  release: ServerRelease,
  platform: Platform,
  options: DownloadOptions = {},
): Promise<Buffer> {
  const url = downloadInfoUrl(release, platform, options.origin ?? DEFAULTS.origin);
  if (url === undefined) throw new Error(`nothing is published for ${platformKey(platform)}`);
  const info = decodeInfo(JSON.parse((await get(url, options)).toString('utf8')));
  const archive = await get(new URL(info.archiveUrl, url), options);
  return readTarGzEntry(archive, (name) => sameFile(name, info.fileToExtract));
}

/** Answer of temporal.download: `archiveUrl` and `fileToExtract` (sdk-core, ephemeral_server/mod.rs, DownloadInfo). */
function decodeInfo(answer: unknown): { archiveUrl: string; fileToExtract: string } {
  if (typeof answer !== 'object' || answer === null) throw new Error('the answer is no JSON object');
  const { archiveUrl, fileToExtract } = answer as Partial<Record<string, unknown>>;
  if (typeof archiveUrl !== 'string' || typeof fileToExtract !== 'string')
    throw new Error('the answer names no archive');
  return { archiveUrl, fileToExtract };
}

const sameFile = (a: string, b: string): boolean => a.replace(/^\.\//, '') === b.replace(/^\.\//, '');

async function get(url: URL, options: DownloadOptions): Promise<Buffer> {
  const firstByteMs = options.firstByteMs ?? DEFAULTS.firstByteMs;
  const first = AbortSignal.timeout(options.totalMs ?? DEFAULTS.totalMs);
  const patience = new AbortController();
  const timer = setTimeout(
    () => patience.abort(new Error(`no answer within ${firstByteMs} ms`)),
    firstByteMs,
  );
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([first, patience.signal]) });
    clearTimeout(timer);
    if (!answer.ok) throw new Error(`${url.host} answered HTTP ${answer.status}`);
    return Buffer.from(await answer.arrayBuffer());
  } catch (error) {
    throw new Error(`${url.host}: ${reason(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

/** fetch says only "fetch failed" and keeps the reason as the cause. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
