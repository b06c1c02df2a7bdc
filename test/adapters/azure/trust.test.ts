import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { connecting } from '../../../src/adapters/azure/trust';

let folder: string;
let caFile: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sqlferry-trust-'));
  caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, rootCertificates[0] ?? '');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('all connections share one parsed set of authorities, and are not more than a few', async () => {
  const options = await connecting(caFile, {});
  const agent = 'agent' in options ? options.agent : undefined;
  expect(agent).toBeInstanceOf(Agent);
  expect(agent).toMatchObject({ options: { secureContext: expect.anything() }, maxSockets: 16 });
});

test('without a file the usual roots hold', async () => {
  const options = await connecting(undefined, {});
  expect(options).toMatchObject({
    agent: { options: expect.not.objectContaining({ secureContext: expect.anything() }) },
  });
});

test.each([
  'HTTPS_PROXY',
  'https_proxy',
  'ALL_PROXY',
])('behind %s the pipeline makes the agent', async (name) => {
  const options = await connecting(caFile, { [name]: 'http://proxy:3128' });
  expect(options).toEqual({ tlsOptions: { ca: expect.stringContaining('BEGIN CERTIFICATE') } });
  expect(await connecting(undefined, { [name]: 'http://proxy:3128' })).toEqual({});
});
