/** Golden texts: what `plan` prints and what the server gets. */
import type { EndpointFacts } from '../../src/model/sql-server/observation';
import {
  changeDatabaseOwner,
  enableServiceBroker,
  mapUserToLogin,
  setCompatibilityLevel,
} from '../../src/tsql/after-failover';
import { backupLog } from '../../src/tsql/backup';
import {
  addCertificateIssuer,
  createCertificate,
  createCertificateFromBinary,
  dropCertificate,
  validateCertificateChain,
} from '../../src/tsql/certificates';
import { writeProbe } from '../../src/tsql/databases';
import {
  alterMirroringEndpoint,
  createMirroringEndpoint,
  dropEndpoint,
  restoreMirroringEndpoint,
  startEndpoint,
} from '../../src/tsql/endpoints';
import { disableLogin, enableLogin } from '../../src/tsql/logins';
import { createMasterKey, dropMasterKey } from '../../src/tsql/master-key';
import { QuotingError } from '../../src/tsql/quote';
import { secretsOf } from '../../src/tsql/secrets';
import { terminateSessions } from '../../src/tsql/sessions';
import { clearTraceFlag, setTraceFlag } from '../../src/tsql/trace-flags';

test('master key: the password is sent and never shown', () => {
  const statement = createMasterKey({ password: "s3cr'et" });
  expect(statement).toEqual({
    id: 'create-master-key',
    database: 'master',
    text: `IF NOT EXISTS (SELECT 1 FROM sys.symmetric_keys WHERE symmetric_key_id = 101)
CREATE MASTER KEY ENCRYPTION BY PASSWORD = N's3cr''et';`,
    display: `IF NOT EXISTS (SELECT 1 FROM sys.symmetric_keys WHERE symmetric_key_id = 101)
CREATE MASTER KEY ENCRYPTION BY PASSWORD = '********';`,
  });
  expect(secretsOf(statement)).toEqual(["s3cr'et"]);
  expect(dropMasterKey().text).toBe('DROP MASTER KEY;');
});

describe('certificates', () => {
  test('create', () => {
    const statement = createCertificate({
      name: 'Cert_sql1_endpoint',
      subject: 'Certificate for Cert_sql1_endpoint',
      expiryDate: '2027-01-31',
    });
    expect(statement.text).toBe(`CREATE CERTIFICATE [Cert_sql1_endpoint]
    WITH SUBJECT = N'Certificate for Cert_sql1_endpoint',
         EXPIRY_DATE = '20270131';`);
    expect(statement.display).toBe(statement.text);
  });

  test('create with a start date, given as a time', () => {
    const { text } = createCertificate({
      name: 'c',
      subject: 's',
      startDate: '2026-11-22T02:00:00.000Z',
      expiryDate: '2027-11-22T02:00:00.000Z',
    });
    expect(text).toContain("START_DATE = '20261122',");
    expect(text).toContain("EXPIRY_DATE = '20271122';");
  });

  test.each([
    '31.01.2027',
    '2027-13-01',
    '01/31/2027',
    '',
    "2027-01-31' --",
  ])('%j is no date', (expiryDate) => {
    expect(() => createCertificate({ name: 'c', subject: 's', expiryDate })).toThrow(QuotingError);
  });

  test('import: people see what the key is, not its bytes', () => {
    const statement = createCertificateFromBinary({
      name: 'sqlmi1.abc.database.windows.net',
      binaryHex: '3082033e',
      label: 'public key of sqlmi1',
    });
    expect(statement.text).toBe(
      'CREATE CERTIFICATE [sqlmi1.abc.database.windows.net] FROM BINARY = 0x3082033E;',
    );
    expect(statement.display).toBe(
      'CREATE CERTIFICATE [sqlmi1.abc.database.windows.net] FROM BINARY = 0x<public key of sqlmi1>;',
    );
  });

  test('drop, trust and validate', () => {
    expect(dropCertificate('a]b').text).toBe('DROP CERTIFICATE [a]]b];');
    expect(
      addCertificateIssuer({ certificateName: 'MicrosoftPKI', dnsName: '*.database.windows.net' }).text,
    ).toBe(`DECLARE @certificate_id int = CERT_ID(N'MicrosoftPKI');
EXEC sp_certificate_add_issuer @certificate_id, N'*.database.windows.net';`);
    expect(
      validateCertificateChain({ certificateName: 'sqlmi1.abc.database.windows.net' }).text,
    ).toBe(`DECLARE @certificate_id int = CERT_ID(N'sqlmi1.abc.database.windows.net');
EXEC sp_validate_certificate_ca_chain @certificate_id;`);
  });
});

describe('endpoints', () => {
  const endpoint = { name: 'database_mirroring_endpoint', port: 5022, certificateName: 'Cert_sql1_endpoint' };

  test('create', () => {
    expect(createMirroringEndpoint(endpoint).text).toBe(`CREATE ENDPOINT [database_mirroring_endpoint]
    STATE = STARTED
    AS TCP (LISTENER_PORT = 5022, LISTENER_IP = ALL)
    FOR DATABASE_MIRRORING (
        ROLE = ALL,
        AUTHENTICATION = CERTIFICATE [Cert_sql1_endpoint],
        ENCRYPTION = REQUIRED ALGORITHM AES
    );`);
  });

  test('alter keeps Windows authentication where it is wanted', () => {
    const both = alterMirroringEndpoint({ ...endpoint, authentication: 'negotiate-and-certificate' });
    expect(both.text).toBe(`ALTER ENDPOINT [database_mirroring_endpoint]
    STATE = STARTED
    AS TCP (LISTENER_PORT = 5022, LISTENER_IP = ALL)
    FOR DATABASE_MIRRORING (
        ROLE = ALL,
        AUTHENTICATION = WINDOWS NEGOTIATE CERTIFICATE [Cert_sql1_endpoint],
        ENCRYPTION = REQUIRED ALGORITHM AES
    );`);
    const one = alterMirroringEndpoint({ ...endpoint, authentication: 'certificate' });
    expect(one.text).toContain('AUTHENTICATION = CERTIFICATE [Cert_sql1_endpoint],');
  });

  const before: EndpointFacts = {
    name: 'ep',
    stateDesc: 'STOPPED',
    roleDesc: 'PARTNER',
    connectionAuthDesc: 'NEGOTIATE',
    isEncryptionEnabled: true,
    encryptionAlgorithmDesc: 'RC4',
    certificateName: null,
    port: 7022,
  };

  /** Each combination of authentication that an endpoint can have, with the form that the link gives it. */
  test.each([
    ['NTLM', 'WINDOWS NEGOTIATE CERTIFICATE [Cert_sql1_endpoint]', 'WINDOWS NTLM'],
    ['KERBEROS', 'WINDOWS NEGOTIATE CERTIFICATE [Cert_sql1_endpoint]', 'WINDOWS KERBEROS'],
    ['NEGOTIATE', 'WINDOWS NEGOTIATE CERTIFICATE [Cert_sql1_endpoint]', 'WINDOWS NEGOTIATE'],
    ['CERTIFICATE', 'CERTIFICATE [Cert_sql1_endpoint]', 'CERTIFICATE [former]'],
    [
      'NTLM, CERTIFICATE',
      'WINDOWS NEGOTIATE CERTIFICATE [Cert_sql1_endpoint]',
      'WINDOWS NTLM CERTIFICATE [former]',
    ],
    [
      'KERBEROS, CERTIFICATE',
      'WINDOWS NEGOTIATE CERTIFICATE [Cert_sql1_endpoint]',
      'WINDOWS KERBEROS CERTIFICATE [former]',
    ],
    [
      'CERTIFICATE, NEGOTIATE',
      'WINDOWS NEGOTIATE CERTIFICATE [Cert_sql1_endpoint]',
      'CERTIFICATE [former] WINDOWS NEGOTIATE',
    ],
  ])('an endpoint with %s: altered, and given back', (connectionAuthDesc, altered, restored) => {
    const found = {
      ...before,
      stateDesc: 'STARTED',
      connectionAuthDesc,
      encryptionAlgorithmDesc: 'NONE, AES, RC4',
      certificateName: connectionAuthDesc.includes('CERTIFICATE') ? 'former' : null,
    };
    const windows = connectionAuthDesc !== 'CERTIFICATE';
    // Port, role and encryption stay what the other partners know.
    expect(
      alterMirroringEndpoint({
        ...endpoint,
        name: found.name,
        port: found.port,
        authentication: windows ? 'negotiate-and-certificate' : 'certificate',
        before: found,
      }).text,
    ).toBe(`ALTER ENDPOINT [ep]
    STATE = STARTED
    AS TCP (LISTENER_PORT = 7022, LISTENER_IP = ALL)
    FOR DATABASE_MIRRORING (
        ROLE = PARTNER,
        AUTHENTICATION = ${altered},
        ENCRYPTION = SUPPORTED ALGORITHM AES RC4
    );`);
    expect(restoreMirroringEndpoint(found).text).toContain(`AUTHENTICATION = ${restored},`);
  });

  test.each([
    [true, 'RC4', 'ALL'],
    [false, 'NONE', 'WITNESS'],
  ])('encryption %s %s and role %s are of no use to a link', (isEncryptionEnabled, algorithm, roleDesc) => {
    const { text } = alterMirroringEndpoint({
      ...endpoint,
      authentication: 'certificate',
      before: { ...before, isEncryptionEnabled, encryptionAlgorithmDesc: algorithm, roleDesc },
    });
    expect(text).toContain('ENCRYPTION = REQUIRED ALGORITHM AES\n');
    expect(text).toContain('ROLE = ALL,');
  });

  test('restore writes what was read before', () => {
    expect(restoreMirroringEndpoint(before).text).toBe(`ALTER ENDPOINT [ep]
    STATE = STOPPED
    AS TCP (LISTENER_PORT = 7022, LISTENER_IP = ALL)
    FOR DATABASE_MIRRORING (
        ROLE = PARTNER,
        AUTHENTICATION = WINDOWS NEGOTIATE,
        ENCRYPTION = REQUIRED ALGORITHM RC4
    );`);
  });

  test.each([
    ['CERTIFICATE, KERBEROS', 'AUTHENTICATION = CERTIFICATE [c] WINDOWS KERBEROS,'],
    ['NTLM, CERTIFICATE', 'AUTHENTICATION = WINDOWS NTLM CERTIFICATE [c],'],
  ])('authentication %s', (connectionAuthDesc, clause) => {
    expect(restoreMirroringEndpoint({ ...before, connectionAuthDesc, certificateName: 'c' }).text).toContain(
      clause,
    );
  });

  test.each([
    [true, 'AES', 'ENCRYPTION = REQUIRED ALGORITHM AES\n'],
    [true, 'AES, RC4', 'ENCRYPTION = REQUIRED ALGORITHM AES RC4\n'],
    [true, 'NONE, AES', 'ENCRYPTION = SUPPORTED ALGORITHM AES\n'],
    [true, 'NONE', 'ENCRYPTION = DISABLED\n'],
    [false, 'NONE', 'ENCRYPTION = DISABLED\n'],
  ])('encryption %s %s', (isEncryptionEnabled, encryptionAlgorithmDesc, clause) => {
    expect(
      restoreMirroringEndpoint({ ...before, isEncryptionEnabled, encryptionAlgorithmDesc }).text,
    ).toContain(clause);
  });

  test('what ALTER ENDPOINT cannot say is refused', () => {
    expect(() => restoreMirroringEndpoint({ ...before, connectionAuthDesc: 'PASSKEY' })).toThrow(
      QuotingError,
    );
    expect(() => restoreMirroringEndpoint({ ...before, stateDesc: 'ODD); --' })).toThrow(QuotingError);
    expect(() => restoreMirroringEndpoint({ ...before, connectionAuthDesc: 'CERTIFICATE' })).toThrow(
      QuotingError,
    );
  });

  test.each([
    [null, 'LISTENER_IP = ALL)'],
    ['10.0.1.8', 'LISTENER_IP = (10.0.1.8))'],
    ['fd00::8', "LISTENER_IP = ('fd00::8'))"],
  ])('bound to %s: it stays so, changed and restored', (ipAddress, clause) => {
    const changed = alterMirroringEndpoint({ ...endpoint, ipAddress, authentication: 'certificate' });
    expect(changed.text).toContain(clause);
    expect(restoreMirroringEndpoint({ ...before, ipAddress }).text).toContain(clause);
  });

  test('an address that is none is refused', () => {
    expect(() => restoreMirroringEndpoint({ ...before, ipAddress: '1.1.1.1); DROP' })).toThrow(QuotingError);
  });

  test('start and drop', () => {
    expect(startEndpoint('ep').text).toBe('ALTER ENDPOINT [ep] STATE = STARTED;');
    expect(dropEndpoint('ep').text).toBe('DROP ENDPOINT [ep];');
  });
});

describe('log backup', () => {
  const backup = {
    database: 'Sales',
    path: 'D:\\backup\\Sales_20261122T020000.trn',
    displayPath: 'D:\\backup\\Sales_<time>.trn',
    name: 'sales log backup',
    compression: true,
  };

  test('to disk', () => {
    const statement = backupLog(backup);
    expect(statement.text).toBe(`BACKUP LOG [Sales]
    TO DISK = N'D:\\backup\\Sales_20261122T020000.trn'
    WITH NOFORMAT, NOINIT, NAME = N'sales log backup', SKIP, NOREWIND, NOUNLOAD, COMPRESSION, STATS = 5;`);
    expect(statement.display).toBe(statement.text.replace('20261122T020000', '<time>'));
    expect(secretsOf(statement)).toEqual([]);
  });

  test('that the server refuses itself while a copy of the database is made', () => {
    const held = backupLog({ ...backup, heldForSeeding: { ownGroup: "DAG_O'Hara" } });
    expect(held.text).toMatch(
      /^DECLARE @copy nvarchar\(128\) = \([\s\S]*db\.name = N'Sales'[\s\S]*THROW 51412, @why, 1;\nEND;\nBACKUP LOG \[Sales\]\n/,
    );
    expect(held.text).toContain("dag.name = N'DAG_O''Hara'");
    expect(held.text.endsWith(backupLog(backup).text)).toBe(true);
    // The plan shows the refusal, too (promise 4).
    expect(held.display).toBe(held.text.replace('20261122T020000', '<time>'));
  });

  test('to a URL, without options of media sets', () => {
    const path = 'https://store.blob.core.windows.net/logs/Sales.trn';
    expect(
      backupLog({ ...backup, path, displayPath: path, compression: false }).text,
    ).toBe(`BACKUP LOG [Sales]
    TO URL = N'https://store.blob.core.windows.net/logs/Sales.trn'
    WITH NAME = N'sales log backup', NO_COMPRESSION, STATS = 5;`);
  });
});

test('logins and sessions', () => {
  expect(disableLogin('app').text).toBe('ALTER LOGIN [app] DISABLE;');
  expect(enableLogin('CORP\\app]').text).toBe('ALTER LOGIN [CORP\\app]]] ENABLE;');
  expect(terminateSessions({ logins: ['app', "o'hara"] }).text).toBe(`DECLARE @kill nvarchar(max) = N'';
SELECT @kill += N'BEGIN TRY KILL ' + CONVERT(nvarchar(11), session_id)
    + N' END TRY BEGIN CATCH IF ERROR_NUMBER() <> 6106 THROW; END CATCH; '
FROM sys.dm_exec_sessions
WHERE is_user_process = 1 AND session_id <> @@SPID
    AND original_login_name IN (N'app', N'o''hara');
EXEC sys.sp_executesql @kill;`);
  expect(terminateSessions({ logins: [] }).text).toContain('IN (NULL)');
});

test('what mends a database on its new primary', () => {
  expect(mapUserToLogin({ database: 'Sales', user: 'app]x', login: 'app' })).toMatchObject({
    database: 'Sales',
    text: 'ALTER USER [app]]x] WITH LOGIN = [app];',
  });
  expect(setCompatibilityLevel('Sales', 160).text).toBe(
    'ALTER DATABASE [Sales] SET COMPATIBILITY_LEVEL = 160;',
  );
  expect(changeDatabaseOwner('Sales', 'sa').text).toBe('ALTER AUTHORIZATION ON DATABASE::[Sales] TO [sa];');
  expect(enableServiceBroker('Sales').text).toBe('ALTER DATABASE [Sales] SET ENABLE_BROKER;');
});

test('databases and trace flags', () => {
  expect(writeProbe({ database: 'Sales' })).toMatchObject({
    database: 'Sales',
    text: `SET XACT_ABORT ON;
BEGIN TRANSACTION;
CREATE TABLE dbo.sqlferry_write_probe (probe int NOT NULL);
INSERT INTO dbo.sqlferry_write_probe (probe) VALUES (1);
ROLLBACK TRANSACTION;
SET XACT_ABORT OFF;`,
  });
  expect(setTraceFlag(12381).text).toBe('DBCC TRACEON (12381, -1);');
  expect(clearTraceFlag(12381).text).toBe('DBCC TRACEOFF (12381, -1);');
});
