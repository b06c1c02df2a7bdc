import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { createSecureContext, getCACertificates } from 'node:tls';
import { SettingFailure } from '../../ports/failures';

/**
 * Certificates to trust for Azure: the usual roots and the authorities of a PEM file. Node's `ca` option replaces the
 * roots, so they are given along.
 * @returns undefined when there is no file: the defaults hold.
 * @throws SettingFailure naming the file when it cannot be read.
 */
export async function trustedAuthorities(caFile: string | undefined): Promise<string | undefined> {
  if (caFile === undefined) return undefined;
  const own = await readAuthority(caFile);
  return [...getCACertificates('default'), own].join('\n');
}

/** Connections at once to one resource manager; requests are short, so more of them queue for moments. */
const MAX_CONNECTIONS = 16;
const PROXY_SETTINGS = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'];

/**
 * How a client connects. One context for all connections: given as `ca`, Node parses all roots again for each of
 * them, at 2 MB and some milliseconds a piece. Behind a proxy the pipeline brings its own agent, and an agent of ours
 * would lead past it.
 * @throws SettingFailure as `trustedAuthorities`
 */
export async function connecting(
  caFile: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ readonly agent: Agent } | { readonly tlsOptions: { readonly ca: string } } | object> {
  const ca = await trustedAuthorities(caFile);
  const isBehindProxy = PROXY_SETTINGS.some((name) => (env[name] ?? '') !== '');
  if (isBehindProxy) return ca === undefined ? {} : { tlsOptions: { ca } };
  return {
    agent: new Agent({
      keepAlive: true,
      maxSockets: MAX_CONNECTIONS,
      ...(ca === undefined ? {} : { secureContext: createSecureContext({ ca }) }),
    }),
  };
}

async function readAuthority(caFile: string): Promise<string> {
  const text = await readFile(caFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new SettingFailure(
      'azure.caFile',
      `azure.caFile ${caFile} cannot be read: ${error.code ?? error.message}`,
    );
  });
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new SettingFailure('azure.caFile', `azure.caFile ${caFile} holds no PEM certificate`);
  return text;
}
