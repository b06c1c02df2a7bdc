import { X509Certificate } from 'node:crypto';
import { AZURE_AUTHORITIES } from '../../../src/tsql/azure-authorities';
import { trustAzureAuthority } from '../../../src/tsql/azure-trust';
import {
  createAvailabilityGroup,
  createDistributedAvailabilityGroup,
  createEmptyAvailabilityGroup,
  dropAvailabilityGroup,
  failoverDistributedAvailabilityGroup,
  forceFailoverDistributedAvailabilityGroup,
  grantCreateAnyDatabase,
  instanceListenerUrl,
  joinDistributedAvailabilityGroup,
  leadingInstanceListenerUrl,
  mirroringUrl,
  setDistributedAvailabilityMode,
  setRoleSecondary,
  setSecondaryConnections,
} from '../../../src/tsql/link/availability-groups';
import { QuotingError } from '../../../src/tsql/quote';

describe('availability group', () => {
  const group = {
    name: 'AG_Sales',
    database: 'Sales',
    serverName: 'SQL1\\INST',
    endpointUrl: mirroringUrl('10.0.1.8', 5022),
    clusterType: 'NONE' as const,
  };

  test('as documented', () => {
    expect(createAvailabilityGroup(group)).toEqual({
      id: 'create-availability-group',
      database: 'master',
      text: `CREATE AVAILABILITY GROUP [AG_Sales]
WITH (CLUSTER_TYPE = NONE)
    FOR DATABASE [Sales]
    REPLICA ON
        N'SQL1\\INST' WITH (
            ENDPOINT_URL = 'TCP://10.0.1.8:5022',
            AVAILABILITY_MODE = SYNCHRONOUS_COMMIT,
            FAILOVER_MODE = MANUAL,
            SEEDING_MODE = AUTOMATIC
        );`,
      display: expect.any(String),
    });
  });

  test('2016 has no CLUSTER_TYPE', () => {
    expect(createAvailabilityGroup({ ...group, clusterType: 'omit' }).text).toMatch(
      /^CREATE AVAILABILITY GROUP \[AG_Sales\]\n {4}FOR DATABASE/,
    );
  });

  test('an address that is no ASCII is refused', () => {
    expect(() => createAvailabilityGroup({ ...group, endpointUrl: 'TCP://sérver:5022' })).toThrow(
      QuotingError,
    );
  });

  test('addresses', () => {
    expect(mirroringUrl('sql1.corp', 7022)).toBe('TCP://sql1.corp:7022');
    expect(mirroringUrl('fd00::8', 5022)).toBe('TCP://[fd00::8]:5022');
  });
});

test('distributed availability group', () => {
  const statement = createDistributedAvailabilityGroup({
    name: 'DAG_Sales',
    availabilityGroup: 'AG_Sales',
    serverUrl: 'TCP://10.0.1.8:5022',
    instanceAvailabilityGroup: 'AG_Sales_MI',
    instanceUrl: instanceListenerUrl('sqlmi1.73d19f36a420a.database.windows.net', 'sqlmi1'),
  });
  expect(statement.text).toBe(`CREATE AVAILABILITY GROUP [DAG_Sales]
WITH (DISTRIBUTED)
    AVAILABILITY GROUP ON
    N'AG_Sales' WITH (
        LISTENER_URL = 'TCP://10.0.1.8:5022',
        AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT,
        FAILOVER_MODE = MANUAL,
        SEEDING_MODE = AUTOMATIC,
        SESSION_TIMEOUT = 20
    ),
    N'AG_Sales_MI' WITH (
        LISTENER_URL = 'tcp://sqlmi1.73d19f36a420a.database.windows.net:5022;Server=[sqlmi1]',
        AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT,
        FAILOVER_MODE = MANUAL,
        SEEDING_MODE = AUTOMATIC
    );`);
});

test('changes of a group', () => {
  expect(
    setDistributedAvailabilityMode({ name: 'DAG', groups: ['AG', "AG'_MI"], mode: 'SYNCHRONOUS_COMMIT' })
      .text,
  ).toBe(`ALTER AVAILABILITY GROUP [DAG]
    MODIFY AVAILABILITY GROUP ON
    N'AG' WITH (AVAILABILITY_MODE = SYNCHRONOUS_COMMIT),
    N'AG''_MI' WITH (AVAILABILITY_MODE = SYNCHRONOUS_COMMIT);`);
  expect(failoverDistributedAvailabilityGroup('DAG').text).toBe('ALTER AVAILABILITY GROUP [DAG] FAILOVER;');
  expect(forceFailoverDistributedAvailabilityGroup('DAG').text).toBe(
    'ALTER AVAILABILITY GROUP [DAG] FORCE_FAILOVER_ALLOW_DATA_LOSS;',
  );
  expect(setRoleSecondary('DAG').text).toBe('ALTER AVAILABILITY GROUP [DAG] SET (ROLE = SECONDARY);');
  expect(dropAvailabilityGroup('DAG]').text).toBe('DROP AVAILABILITY GROUP [DAG]]];');
});

describe('Azure authorities', () => {
  test.each(AZURE_AUTHORITIES)('$name is the certificate that its label says', (authority) => {
    const certificate = new X509Certificate(Buffer.from(authority.binaryHex, 'hex'));
    expect(certificate.subject).toContain(`CN=${authority.label}`);
    expect(certificate.checkIssued(certificate)).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(new Date(certificate.validTo).toISOString()).toBe(new Date(authority.expiresAt).toISOString());
  });

  test('published fingerprints', () => {
    const fingerprints = AZURE_AUTHORITIES.map(
      ({ binaryHex }) => new X509Certificate(Buffer.from(binaryHex, 'hex')).fingerprint256,
    );
    expect(fingerprints).toEqual([
      'C7:41:F7:0F:4B:2A:8D:88:BF:2E:71:C1:41:22:EF:53:EF:10:EB:A0:CF:A5:E6:4C:FA:20:F4:18:85:30:73:E0',
      'CB:3C:CB:B7:60:31:E5:E0:13:8F:8D:D3:9A:23:F9:DE:47:FF:C3:5E:43:C1:14:4C:EA:27:D4:6A:5A:B1:CB:5F',
    ]);
  });

  test('import and trust are one batch', () => {
    const authority = {
      name: 'MicrosoftPKI',
      label: 'root',
      expiresAt: '2042-07-18T23:00:23Z',
      binaryHex: '3082',
    };
    const statement = trustAzureAuthority({ authority });
    expect(statement.text).toBe(`CREATE CERTIFICATE [MicrosoftPKI] FROM BINARY = 0x3082;
DECLARE @certificate_id int = CERT_ID(N'MicrosoftPKI');
EXEC sp_certificate_add_issuer @certificate_id, N'*.database.windows.net';`);
    expect(statement.display).toContain('FROM BINARY = 0x<root>;');
    expect(statement.display).not.toContain('0x3082');
  });
});

describe('a link that the instance leads first', () => {
  const serverName = 'SQL1';

  test('the group without a database, its right to create one, and its readers', () => {
    const endpointUrl = mirroringUrl('10.0.1.8', 5022);
    expect(
      createEmptyAvailabilityGroup({ name: 'AG_Sales', serverName, endpointUrl }).text,
    ).toBe(`CREATE AVAILABILITY GROUP [AG_Sales]
WITH (CLUSTER_TYPE = NONE)
    FOR
    REPLICA ON
        N'SQL1' WITH (
            ENDPOINT_URL = 'TCP://10.0.1.8:5022',
            FAILOVER_MODE = MANUAL,
            AVAILABILITY_MODE = SYNCHRONOUS_COMMIT,
            SEEDING_MODE = AUTOMATIC
        );`);
    expect(grantCreateAnyDatabase('AG_Sales').text).toBe(
      'ALTER AVAILABILITY GROUP [AG_Sales] GRANT CREATE ANY DATABASE;',
    );
    expect(
      setSecondaryConnections({ name: 'AG_Sales', serverName, connections: 'ALL' }).text,
    ).toBe(`ALTER AVAILABILITY GROUP [AG_Sales]
    MODIFY REPLICA ON N'SQL1'
    WITH (SECONDARY_ROLE (ALLOW_CONNECTIONS = ALL));`);
  });

  test('the join: the group of the instance first, and its listener names the database', () => {
    expect(
      joinDistributedAvailabilityGroup({
        name: 'DAG_Sales',
        availabilityGroup: 'AG_Sales',
        serverUrl: 'TCP://10.0.1.8:5022',
        instanceAvailabilityGroup: 'AG_Sales_MI',
        instanceUrl: leadingInstanceListenerUrl('mi1.zone.database.windows.net', 'mi1', 'Säles'),
      }),
    ).toEqual({
      id: 'join-distributed-availability-group',
      database: 'master',
      display: expect.any(String),
      text: `ALTER AVAILABILITY GROUP [DAG_Sales]
    JOIN
    AVAILABILITY GROUP ON
    N'AG_Sales_MI' WITH (
        LISTENER_URL = N'tcp://mi1.zone.database.windows.net:5022;Server=[mi1];Database=[Säles]',
        AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT,
        FAILOVER_MODE = MANUAL,
        SEEDING_MODE = AUTOMATIC
    ),
    N'AG_Sales' WITH (
        LISTENER_URL = 'TCP://10.0.1.8:5022',
        AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT,
        FAILOVER_MODE = MANUAL,
        SEEDING_MODE = AUTOMATIC
    );`,
    });
  });
});
