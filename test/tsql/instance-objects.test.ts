/** The statements around logins and jobs, letter by letter, and what of them people see. */
import type { Job, LoginSettings } from '../../src/model/sql-server/instance-objects';
import { createJob, deleteJob, enableJob, replaceJob } from '../../src/tsql/agent-jobs';
import {
  changeLogin,
  changePermissions,
  createCopiedLogin,
  createServerRole,
  dropLogin,
  dropServerRole,
  freshLogin,
  setPasswordHash,
} from '../../src/tsql/copied-logins';
import { QuotingError, quoteText } from '../../src/tsql/quote';
import { secretsOf } from '../../src/tsql/secrets';

const HASH = '0200ABCDEF0123456789';
const NAME = "o'neil]s [app]";
const QUOTED = "[o'neil]]s [app]]]";

const settings = (change: Partial<LoginSettings> = {}): LoginSettings => ({
  isDisabled: false,
  defaultDatabase: 'Sales]',
  defaultLanguage: 'us_english',
  isPolicyChecked: true,
  isExpirationChecked: false,
  connect: 'granted',
  roles: [],
  permissions: [],
  ...change,
});

test('a login with its SID and its password', () => {
  const statement = createCopiedLogin({ name: NAME, sid: 'a1b2', passwordHash: HASH, settings: settings() });
  expect(statement.text).toBe(`CREATE LOGIN ${QUOTED} WITH PASSWORD = 0x${HASH} HASHED,
    SID = 0xA1B2,
    DEFAULT_DATABASE = [Sales]]], DEFAULT_LANGUAGE = [us_english], CHECK_POLICY = ON, CHECK_EXPIRATION = OFF;`);
  expect(statement.display).toBe(statement.text.replace(HASH, '********'));
  expect(secretsOf(statement)).toEqual([`0x${HASH}`]);
  expect(dropLogin(NAME).text).toBe(`DROP LOGIN ${QUOTED};`);
});

test('a disabled one is never open in between', () => {
  const { text } = createCopiedLogin({
    name: 'app',
    sid: 'a1',
    passwordHash: HASH,
    settings: settings({ isDisabled: true, defaultLanguage: null }),
  });
  expect(text.split('\n').slice(-2)).toEqual([
    '    DEFAULT_DATABASE = [Sales]]], CHECK_POLICY = ON, CHECK_EXPIRATION = OFF;',
    'ALTER LOGIN [app] DISABLE;',
  ]);
});

test('a password alone', () => {
  const statement = setPasswordHash('app', HASH);
  expect(statement.text).toBe(`ALTER LOGIN [app] WITH PASSWORD = 0x${HASH} HASHED;`);
  expect(statement.display).toBe('ALTER LOGIN [app] WITH PASSWORD = 0x******** HASHED;');
});

test.each<readonly [string, Partial<LoginSettings>, Partial<LoginSettings>, readonly string[]]>([
  ['nothing', {}, {}, []],
  ['disabled', {}, { isDisabled: true }, ['ALTER LOGIN [app] DISABLE;']],
  [
    'enabled last',
    { isDisabled: true },
    { roles: ['x'] },
    ['ALTER SERVER ROLE [x] ADD MEMBER [app];', 'ALTER LOGIN [app] ENABLE;'],
  ],
  [
    'options together',
    {},
    { isPolicyChecked: false },
    [
      'ALTER LOGIN [app] WITH DEFAULT_DATABASE = [Sales]]], DEFAULT_LANGUAGE = [us_english], CHECK_POLICY = OFF, CHECK_EXPIRATION = OFF;',
    ],
  ],
  ['denied', {}, { connect: 'denied' }, ['DENY CONNECT SQL TO [app];']],
  ['revoked', { connect: 'denied' }, { connect: 'revoked' }, ['REVOKE CONNECT SQL FROM [app];']],
  ['granted', { connect: 'revoked' }, {}, ['GRANT CONNECT SQL TO [app];']],
  [
    'roles',
    { roles: ['old', 'BOTH'] },
    { roles: ['both', 'ne]w'] },
    ['ALTER SERVER ROLE [old] DROP MEMBER [app];', 'ALTER SERVER ROLE [ne]]w] ADD MEMBER [app];'],
  ],
])('from settings to others: %s', (_title, from, to, expected) => {
  expect(changeLogin('app', settings(from), settings(to)).map(({ text }) => text)).toEqual(expected);
});

test('a fresh login has the right to connect and nothing else', () => {
  const wanted = settings({ connect: 'denied', roles: ['x'], isDisabled: true });
  expect(changeLogin('app', freshLogin(wanted), wanted).map(({ text }) => text)).toEqual([
    'DENY CONNECT SQL TO [app];',
    'ALTER SERVER ROLE [x] ADD MEMBER [app];',
  ]);
});

test('permissions: what may be passed on is taken back before it is weakened', () => {
  const texts = changePermissions(
    'app',
    [
      { name: 'VIEW SERVER STATE', state: 'GRANT_WITH_GRANT_OPTION' },
      { name: 'ALTER ANY LOGIN', state: 'GRANT' },
      { name: 'ALTER TRACE', state: 'DENY' },
    ],
    [
      { name: 'VIEW SERVER STATE', state: 'GRANT' },
      { name: 'ALTER ANY LOGIN', state: 'DENY' },
      { name: 'VIEW ANY DEFINITION', state: 'GRANT_WITH_GRANT_OPTION' },
    ],
  ).map(({ text }) => text);
  expect(texts).toEqual([
    'REVOKE ALTER TRACE FROM [app];',
    'REVOKE VIEW SERVER STATE FROM [app] CASCADE;',
    'GRANT VIEW SERVER STATE TO [app];',
    'DENY ALTER ANY LOGIN TO [app];',
    'GRANT VIEW ANY DEFINITION TO [app] WITH GRANT OPTION;',
  ]);
  const grantors = ['an]n'];
  const others = changePermissions(
    'app',
    [
      { name: 'VIEW SERVER STATE', state: 'GRANT_WITH_GRANT_OPTION', grantors },
      { name: 'ALTER ANY LOGIN', state: 'GRANT', grantors },
      { name: 'ALTER TRACE', state: 'DENY', grantors },
      { name: 'VIEW ANY DEFINITION', state: 'GRANT', grantors },
    ],
    [
      { name: 'VIEW SERVER STATE', state: 'GRANT' },
      { name: 'ALTER TRACE', state: 'GRANT' },
      { name: 'VIEW ANY DEFINITION', state: 'DENY' },
    ],
  ).map(({ text }) => text);
  expect(others).toEqual([
    'REVOKE ALTER ANY LOGIN FROM [app];',
    'REVOKE ALTER ANY LOGIN FROM [app] CASCADE AS [an]]n];',
    'REVOKE VIEW SERVER STATE FROM [app] CASCADE;',
    'REVOKE VIEW SERVER STATE FROM [app] CASCADE AS [an]]n];',
    'REVOKE ALTER TRACE FROM [app] CASCADE AS [an]]n];',
    'GRANT VIEW SERVER STATE TO [app];',
    'GRANT ALTER TRACE TO [app];',
    'DENY VIEW ANY DEFINITION TO [app];',
  ]);
  expect(() => changePermissions('app', [], [{ name: 'X; DROP LOGIN sa', state: 'GRANT' }])).toThrow(
    QuotingError,
  );
  expect(createServerRole('a]b').text).toBe('CREATE SERVER ROLE [a]]b];');
  expect(dropServerRole('a]b').text).toBe('DROP SERVER ROLE [a]]b];');
});

const JOB: Job = {
  name: "Night's work",
  isEnabled: true,
  description: 'adds up',
  category: 'Totals',
  owner: 'sa',
  isOwnedBySa: true,
  startStep: 1,
  notifyEventLog: 2,
  deleteLevel: 0,
  notifiesOperator: false,
  hasTarget: true,
  steps: [
    {
      id: 1,
      name: 'add',
      subsystem: 'TSQL',
      command: "EXEC pay @key = 'topsecret'",
      additionalParameters: null,
      flags: 4,
      successCode: 0,
      onSuccessAction: 1,
      onSuccessStep: 0,
      onFailAction: 2,
      onFailStep: 0,
      database: 'Sales',
      databaseUser: null,
      retryAttempts: 3,
      retryInterval: 5,
      priority: -1,
      outputFile: null,
      usesProxy: false,
    },
  ],
  schedules: [
    {
      id: 7,
      name: 'at night',
      isEnabled: true,
      freqType: 4,
      freqInterval: 1,
      freqSubdayType: 1,
      freqSubdayInterval: 0,
      freqRelativeInterval: 0,
      freqRecurrenceFactor: 0,
      activeStartDate: 20260101,
      activeEndDate: 99991231,
      activeStartTime: 10000,
      activeEndTime: 235959,
    },
  ],
};

const STEP = `DECLARE @command1 nvarchar(max) = N'EXEC pay @key = ''topsecret''';
EXEC msdb.dbo.sp_add_jobstep @job_name = N'Night''s work', @step_id = 1, @step_name = N'add', @subsystem = N'TSQL', @command = @command1, @cmdexec_success_code = 0, @on_success_action = 1, @on_success_step_id = 0, @on_fail_action = 2, @on_fail_step_id = 0, @database_name = N'Sales', @retry_attempts = 3, @retry_interval = 5, @os_run_priority = -1, @flags = 4;`;
const SCHEDULE = `EXEC msdb.dbo.sp_add_jobschedule @job_name = N'Night''s work', @name = N'at night', @enabled = 1, @freq_type = 4, @freq_interval = 1, @freq_subday_type = 1, @freq_subday_interval = 0, @freq_relative_interval = 0, @freq_recurrence_factor = 0, @active_start_date = 20260101, @active_end_date = 99991231, @active_start_time = 10000, @active_end_time = 235959;`;

test('a job is made disabled, in one transaction, and its command is not shown', () => {
  const statement = createJob(JOB);
  expect(statement.text).toBe(`SET XACT_ABORT ON;
BEGIN TRY
BEGIN TRANSACTION;
DECLARE @owner sysname = ISNULL(SUSER_SNAME(0x01), N'sa');
EXEC msdb.dbo.sp_add_job @job_name = N'Night''s work', @enabled = 0, @description = N'adds up', @category_name = N'Totals', @owner_login_name = @owner, @notify_level_eventlog = 2, @delete_level = 0;
${STEP}
${SCHEDULE}
EXEC msdb.dbo.sp_add_jobserver @job_name = N'Night''s work', @server_name = N'(local)';
EXEC msdb.dbo.sp_update_job @job_name = N'Night''s work', @start_step_id = 1;
COMMIT TRANSACTION;
END TRY
BEGIN CATCH
IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION;
THROW;
END CATCH;`);
  expect(statement.display).toBe(statement.text.replace("N'EXEC pay @key = ''topsecret'''", "'********'"));
  expect(secretsOf(statement)).toEqual(["EXEC pay @key = 'topsecret'"]);
});

test('an owner that is not sa goes by name', () => {
  const { text } = createJob({ ...JOB, owner: "o'neil", isOwnedBySa: false });
  expect(text).toContain("@owner_login_name = N'o''neil'");
  expect(text).not.toContain('SUSER_SNAME');
});

test('a job that is there stays the same job', () => {
  const { text } = replaceJob(JOB, {
    ...JOB,
    schedules: [{ ...JOB.schedules[0], id: 12 }] as Job['schedules'],
  });
  expect(text).toBe(`SET XACT_ABORT ON;
BEGIN TRY
BEGIN TRANSACTION;
DECLARE @owner sysname = ISNULL(SUSER_SNAME(0x01), N'sa');
EXEC msdb.dbo.sp_update_job @job_name = N'Night''s work', @enabled = 0, @description = N'adds up', @category_name = N'Totals', @owner_login_name = @owner, @notify_level_eventlog = 2, @delete_level = 0;
EXEC msdb.dbo.sp_delete_jobstep @job_name = N'Night''s work', @step_id = 0;
${STEP}
EXEC msdb.dbo.sp_detach_schedule @job_name = N'Night''s work', @schedule_id = 12, @delete_unused_schedule = 1;
${SCHEDULE}
EXEC msdb.dbo.sp_update_job @job_name = N'Night''s work', @start_step_id = 1;
COMMIT TRANSACTION;
END TRY
BEGIN CATCH
IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION;
THROW;
END CATCH;`);
});

test('switching and deleting', () => {
  expect(enableJob('a', true).text).toBe("EXEC msdb.dbo.sp_update_job @job_name = N'a', @enabled = 1;");
  expect(enableJob('a', false).text).toBe("EXEC msdb.dbo.sp_update_job @job_name = N'a', @enabled = 0;");
  expect(deleteJob("a'b").text).toBe(
    "EXEC msdb.dbo.sp_delete_job @job_name = N'a''b', @delete_unused_schedule = 1;",
  );
});

test('text of any content: a backslash before a line break is cut off it', () => {
  expect(quoteText('plain')).toBe("N'plain'");
  expect(quoteText('dir C:\\\r\nGO\\\n')).toBe(
    "CAST(N'' AS nvarchar(max)) + N'dir C:\\' + N'\r\nGO\\' + N'\n'",
  );
});
