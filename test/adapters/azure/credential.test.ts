import type { HttpClient } from '@azure/core-rest-pipeline';
import { createCredential, createTokenProvider } from '../../../src/adapters/azure';
import { createManagedInstancePort } from '../../../src/adapters/azure/managed-instance-port';
import { stateKeyFrom } from '../../../src/adapters/azure/sealing';
import type { AzureAccess } from '../../../src/model/inventory';
import type { Clock } from '../../../src/ports/clock';

const ACCESS = {
  endpoint: 'https://management.azure.com',
  authorityHost: 'https://login.example.com',
  credential: { type: 'client-secret', tenantId: 't', clientId: 'c', clientSecret: 'env:SECRET' },
} as unknown as AzureAccess;
const secrets = { read: async () => 'secret' };

/** Entra ID takes the request and never answers. */
const silent: HttpClient = { sendRequest: () => new Promise(() => undefined) };

/** Its waits are over at once. */
const hasty: Clock = { now: () => 0, sleep: async () => undefined };

test('a token that never comes is not waited for', async () => {
  const credential = await createCredential(ACCESS, { secrets, clock: hasty, httpClient: silent });
  const token = createTokenProvider(credential);
  await expect(token('https://database.windows.net/.default')).rejects.toMatchObject({
    name: 'AzureFailure',
    transport: 'timeout',
  });
});

test('a request to Azure whose token never comes ends in its time', async () => {
  const credential = await createCredential(ACCESS, { secrets, clock: hasty, httpClient: silent });
  const port = await createManagedInstancePort(
    {
      resourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/managedInstances/mi',
      azure: ACCESS,
    },
    { credential, clock: hasty, stateKeys: [stateKeyFrom('k')], httpClient: silent },
  );
  await expect(port.readInstance()).rejects.toMatchObject({ name: 'AzureFailure', transport: 'timeout' });
});
