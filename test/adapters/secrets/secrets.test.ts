import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/adapters/clock';
import { createSecrets } from '../../../src/adapters/secrets';
import { type SecretReference, secretReferenceSchema } from '../../../src/model/secret-reference';
import { SecretFailure } from '../../../src/ports/failures';
import { FakeAzure, TOKEN } from '../azure/fake-azure';

const clock = { ...systemClock, now: () => 0 };
const reference = (text: string): SecretReference => secretReferenceSchema.parse(text);

describe('env:', () => {
  const secrets = createSecrets({ env: { PASSWORD: 'hush ', EMPTY: '' }, clock });

  test('is read as it is', async () => {
    await expect(secrets.read(reference('env:PASSWORD'))).resolves.toBe('hush ');
  });

  test.each(['env:ABSENT', 'env:EMPTY'])('%s fails with what to do', async (text) => {
    const failure = await secrets.read(reference(text)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SecretFailure);
    expect(failure).toMatchObject({
      reference: text,
      message: expect.stringContaining("worker's environment"),
    });
  });
});

describe('file:', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sqlferry-secret-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test.each([
    ['hush\n', 'hush'],
    ['hush\r\n', 'hush'],
    ['two\nlines\n', 'two\nlines'],
    [' kept \n\n', ' kept \n'],
  ])('%j holds %j', async (content, value) => {
    await writeFile(join(folder, 's'), content);
    await expect(createSecrets({ clock }).read(reference(`file:${folder}/s`))).resolves.toBe(value);
  });

  test('a file that others may read is used, with a warning that does not show it', async () => {
    const warnings: string[] = [];
    const secrets = createSecrets({ clock, warn: (message) => warnings.push(message) });
    await writeFile(join(folder, 's'), 'hush');
    await chmod(join(folder, 's'), 0o644);
    await expect(secrets.read(reference(`file:${folder}/s`))).resolves.toBe('hush');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('chmod 600');
    expect(warnings[0]).not.toContain('hush');
    await chmod(join(folder, 's'), 0o600);
    await secrets.read(reference(`file:${folder}/s`));
    expect(warnings).toHaveLength(1);
  });

  test('missing, empty or a folder: each says what to do', async () => {
    const secrets = createSecrets({ clock });
    await writeFile(join(folder, 'empty'), '\n');
    await expect(secrets.read(reference(`file:${folder}/absent`))).rejects.toThrow('no such file');
    await expect(secrets.read(reference(`file:${folder}/empty`))).rejects.toThrow('is empty');
    await expect(secrets.read(reference(`file:${folder}`))).rejects.toThrow('directory');
  });
});

describe('azure-keyvault:', () => {
  let azure: FakeAzure;
  let time: number;
  const vault = reference('azure-keyvault:my-vault/sql-password');
  beforeEach(async () => {
    azure = await FakeAzure.start();
    time = 0;
  });
  afterEach(() => azure.stop());

  const open = () =>
    createSecrets({
      clock: { ...systemClock, now: () => time },
      keyVault: {
        credential: async () => ({
          getToken: async () => ({ token: TOKEN, expiresOnTimestamp: Date.now() + 3_600_000 }),
        }),
        vaultUrl: (name) => `${azure.origin}/${name}`,
        ca: azure.caPem,
      },
    });

  test('is fetched with a token, and again after five minutes', async () => {
    let value = 'first';
    azure.handler = () => ({ body: { value } });
    const secrets = open();
    await expect(secrets.read(vault)).resolves.toBe('first');
    expect(azure.requests[0]).toMatchObject({
      url: '/my-vault/secrets/sql-password?api-version=7.4',
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    value = 'rotated';
    time = 299_999;
    await expect(secrets.read(vault)).resolves.toBe('first');
    time = 300_000;
    await expect(secrets.read(vault)).resolves.toBe('rotated');
  });

  test('a refusal names the role, and is not remembered', async () => {
    azure.handler = () => ({ status: 403, body: { error: { code: 'Forbidden', message: 'no' } } });
    const secrets = open();
    await expect(secrets.read(vault)).rejects.toThrow(/Key Vault Secrets User/);
    azure.handler = () => ({ body: { value: 'now' } });
    await expect(secrets.read(vault)).resolves.toBe('now');
  });

  test('missing, without value, without credential', async () => {
    azure.handler = () => ({ status: 404 });
    await expect(open().read(vault)).rejects.toThrow('no such secret');
    azure.handler = () => ({ body: { id: 'x' } });
    await expect(open().read(vault)).rejects.toThrow('holds no value');
    await expect(createSecrets({ clock }).read(vault)).rejects.toThrow(SecretFailure);
  });
});
