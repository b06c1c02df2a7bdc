import fc from 'fast-check';
import { classify } from '../../../src/rules/errors/classify';
import { TRANSPORT_PROBLEMS } from './reference-codes';

const error = (number: number, severity = 16) => ({
  number,
  severity,
  state: 1,
  message: `text of ${number}`,
});
const sql = (...numbers: readonly number[]) =>
  classify({ errors: numbers.map((number) => error(number)), transport: undefined });
const azure = (status: number | undefined, code?: string, transport?: string) =>
  classify({ status, code, transport });

test.each([
  [[1475], 'FullBackupMissing'],
  [[3201, 3013], 'BackupDeviceUnusable'],
  [[3013, 3201], 'BackupDeviceUnusable'],
  [[3013], 'BackupFailed'],
  [[1475, 41152], 'FullBackupMissing'],
  [[41152], 'CreateGroupFailed'],
  [[47106, 41158], 'JoinTimedOut'],
  [[35202, 1418], 'EndpointUnreachable'],
  [[1480], 'RoleChanged'],
  [[1474, 28035], 'PeerCertificateInvalid'],
  [[41965], 'RoleAlreadySet'],
  [[77777, 3013], 'UnknownSqlError'],
  [[77777, 1475], 'FullBackupMissing'],
])('errors %j are %s', (numbers, code) => expect(sql(...numbers).entry.code).toBe(code));

test.each([
  [16, 'needs-person'],
  [17, 'needs-person'],
  [19, 'needs-person'],
  [20, 'retry'],
  [24, 'retry'],
])('an unknown error of severity %d is met by %s', (severity, reaction) => {
  const { entry } = classify({ errors: [error(77_777, severity)], transport: undefined });
  expect([entry.code, entry.reaction]).toEqual(['UnknownSqlError', reaction]);
});

test.each(
  TRANSPORT_PROBLEMS,
)('the transport problem %s has an entry of its own, from both worlds', (transport) => {
  const fromSql = classify({ errors: [], transport });
  expect(fromSql.entry.matches).toContain(transport);
  // Entra ID refuses a credential, which is no login of a server.
  const fromAzure =
    transport === 'login-failed' ? classify({ errors: [], transport: 'unauthorized' }) : fromSql;
  expect(azure(undefined, undefined, transport).entry).toBe(fromAzure.entry);
});

test('a known error says more than the transport', () => {
  expect(classify({ errors: [error(9002)], transport: 'connection-lost' }).entry.code).toBe('LogFull');
  expect(classify({ errors: [error(77_777, 20)], transport: 'connection-lost' }).entry.code).toBe(
    'ConnectionLost',
  );
});

test.each([
  [409, 'ConflictingServerOperation', 'InstanceBusy', 'retry'],
  [400, 'invalidparametervalue', 'AzureParameterInvalid', 'needs-person'],
  [200, '41976', 'PartnerGroupSilent', 'needs-person'],
  [500, 'Novel', 'UnknownAzureError', 'retry'],
  [503, undefined, 'UnknownAzureError', 'retry'],
  [409, 'Novel', 'UnknownAzureError', 'retry'],
  [408, undefined, 'Throttled', 'retry'],
  [429, 'Novel', 'Throttled', 'retry'],
  [401, undefined, 'Unauthorized', 'needs-person'],
  [403, 'Novel', 'Unauthorized', 'needs-person'],
  [400, 'Novel', 'UnknownAzureError', 'needs-person'],
  [undefined, undefined, 'UnknownAzureError', 'needs-person'],
] as const)('HTTP %s with %s is %s', (status, code, expected, reaction) => {
  const { entry } = azure(status, code);
  expect([entry.code, entry.reaction]).toEqual([expected, reaction]);
});

test('the evidence names every error', () => {
  expect(sql(3201, 3013).evidence).toBe('3201: text of 3201; 3013: text of 3013');
  expect(azure(409, 'Novel').evidence).toBe('HTTP 409, Novel');
});

test('never throws, always gives an entry that says what to do', () => {
  const anySql = fc.record({
    errors: fc.array(
      fc.record({ number: fc.integer(), severity: fc.integer({ min: 0, max: 25 }), message: fc.string() }),
    ),
    transport: fc.option(fc.string(), { nil: undefined }),
  });
  const anyAzure = fc.record({
    status: fc.option(fc.integer(), { nil: undefined }),
    code: fc.option(fc.string(), { nil: undefined }),
    transport: fc.option(fc.constantFrom(...TRANSPORT_PROBLEMS), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.oneof(anySql, anyAzure), (failure) => {
      expect(classify(failure).entry.remedy).not.toBe('');
    }),
  );
});

test('the order of summaries beside a cause does not matter', () => {
  const summaries = fc.shuffledSubarray([3013, 41152, 3621, 5069, 1474]);
  fc.assert(
    fc.property(summaries, fc.nat(5), (others, position) => {
      const numbers = [...others.slice(0, position), 1475, ...others.slice(position)];
      expect(sql(...numbers).entry.code).toBe('FullBackupMissing');
    }),
  );
});
