import type { CheckResult } from '../../../src/model/check';
import type { LinkPreflightFacts } from '../../../src/model/link/facts';
import type { ResolvedLinkMigration } from '../../../src/model/link/spec';
import { LINK_CHECKS, runLinkPreflight } from '../../../src/rules/link/preflight';
import {
  certificate,
  database,
  endpoint,
  FQDN,
  facts,
  instance,
  NOW,
  NOW_TEXT,
  ownGroups,
  server,
  spec,
} from './facts';

type Outcome = CheckResult['outcome'];
type Case = readonly [
  id: string,
  outcome: Outcome,
  what: string,
  facts: LinkPreflightFacts,
  evidence: RegExp,
  spec?: ResolvedLinkMigration,
];

const withDatabase = (changes: Parameters<typeof database>[0]) => facts({ database: database(changes) });
const withSource = (changes: Parameters<typeof server>[0]) => facts({ source: server(changes) });
const withInstance = (changes: Parameters<typeof instance>[0]) => facts({ instance: instance(changes) });
const withEndpoint = (changes: Parameters<typeof endpoint>[0]) => facts({ endpoints: [endpoint(changes)] });
const withCertificate = (changes: Parameters<typeof certificate>[0]) =>
  facts({ certificates: [certificate(changes)] });
const file = (name: string, typeDesc = 'ROWS', stateDesc = 'ONLINE', sizeBytes = 1024) => ({
  name,
  typeDesc,
  stateDesc,
  sizeBytes,
});
const files = (...extra: ReturnType<typeof file>[]) =>
  withDatabase({ files: [file('data'), file('log', 'LOG'), ...extra] });
const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);
const [ownAg, ownDag] = ownGroups;
if (ownAg === undefined || ownDag === undefined) throw new Error('fixture');

const CASES: readonly Case[] = [
  ['facts.fresh', 'passed', 'read now', facts(), /0ms ago/],
  [
    'facts.fresh',
    'failed',
    'one fact is old',
    withInstance({ observedAt: '2027-03-01T09:00:00.000Z' }),
    /1h ago/,
  ],
  ['facts.fresh', 'unknown', 'no time', withSource({ observedAt: '' }), /no time/],
  ['server.version', 'passed', '2022', facts(), /2022 16\.0\.4165\.4/],
  ['server.version', 'passed', '2019 CU20', withSource({ productVersion: '15.0.4312.2' }), /2019/],
  [
    'server.version',
    'failed',
    '2019 CU19',
    withSource({ productVersion: '15.0.4298.1' }),
    /needs 15\.0\.4312\.2/,
  ],
  [
    'server.version',
    'failed',
    '2017 without the pack',
    withSource({ productVersion: '14.0.3456.2' }),
    /needs 14\.0\.3490\.10/,
  ],
  [
    'server.version',
    'failed',
    '2016 SP3 without the pack',
    withSource({ productVersion: '13.0.6300.2' }),
    /13\.0\.7000\.253/,
  ],
  ['server.version', 'failed', '2014', withSource({ productVersion: '12.0.6024.0' }), /older than 2016/],
  [
    'server.version',
    'unknown',
    'a later release',
    withSource({ productVersion: '18.0.1000.1' }),
    /newer than/,
  ],
  ['server.version', 'unknown', 'nonsense', withSource({ productVersion: 'x' }), /not understood/],
  ['server.link-support', 'passed', 'procedure there', facts(), /exists/],
  [
    'server.link-support',
    'failed',
    '2017 security branch',
    withSource({ productVersion: '14.0.3495.9', canTrustCertificateIssuers: false }),
    /does not exist on 14\.0\.3495\.9/,
  ],
  [
    'server.edition',
    'passed',
    'Standard',
    withSource({ edition: 'Standard Edition (64-bit)', engineEdition: 2 }),
    /Standard/,
  ],
  [
    'server.edition',
    'failed',
    'Web',
    withSource({ edition: 'Web Edition (64-bit)', engineEdition: 2 }),
    /Web/,
  ],
  [
    'server.edition',
    'failed',
    'Express',
    withSource({ edition: 'Express Edition', engineEdition: 4 }),
    /Express/,
  ],
  ['server.operating-system', 'passed', 'Linux', withSource({ hostPlatform: 'Linux' }), /Linux/],
  [
    'server.operating-system',
    'passed',
    '2016 without a view',
    withSource({ productVersion: '13.0.7000.253', hostPlatform: null }),
    /Windows only/,
  ],
  ['server.operating-system', 'unknown', 'not reported', withSource({ hostPlatform: null }), /not report/],
  ['server.operating-system', 'unknown', 'another', withSource({ hostPlatform: 'BeOS' }), /BeOS/],
  ['server.sysadmin', 'passed', 'is', facts(), /is sysadmin/],
  ['server.sysadmin', 'failed', 'is not', withSource({ isSysadmin: false }), /not sysadmin/],
  ['server.name', 'passed', 'there', facts(), /SQL01/],
  ['server.name', 'failed', 'empty', withSource({ serverName: '' }), /empty/],
  ['server.always-on', 'passed', 'on', facts(), /is 1/],
  ['server.always-on', 'failed', 'off', withSource({ isHadrEnabled: false }), /is 0/],
  ['server.master-key', 'passed', 'there', facts(), /exists/],
  [
    'server.master-key',
    'passed',
    'made from the inventory',
    withSource({ hasMasterKey: false }),
    /is made/,
    spec({}, { masterKeyPassword: 'env:MK' }),
  ],
  ['server.master-key', 'failed', 'absent', withSource({ hasMasterKey: false }), /no masterKeyPassword/],
  ['server.clock', 'passed', 'agree', facts(), /0ms apart/],
  [
    'server.clock',
    'failed',
    'an hour apart',
    withSource({ serverTime: '2027-03-01T11:00:00.000Z' }),
    /1h apart/,
  ],
  ['server.clock', 'unknown', 'no time', withSource({ serverTime: '?' }), /did not report/],
  ['server.collation', 'passed', 'same', facts(), /SQL_Latin1/],
  [
    'server.collation',
    'failed',
    'differ',
    withSource({ collation: 'Latin1_General_CS_AS' }),
    /Latin1_General_CS_AS/,
  ],
  ['server.trace-flag-1800', 'passed', 'on', facts(), /is on/],
  ['server.trace-flag-1800', 'failed', 'off', withSource({ traceFlags: [] }), /is off/],
  ['server.trace-flag-9567', 'passed', 'on', facts(), /is on/],
  ['server.trace-flag-9567', 'failed', 'off', withSource({ traceFlags: [] }), /is off/],
  ['server.trace-flag-12381', 'passed', 'off', facts(), /is off/],
  ['server.trace-flag-12381', 'failed', 'on', withSource({ traceFlags: [12381] }), /is on/],
  ['server.chain-validation', 'passed', 'there', facts(), /exists/],
  [
    'server.chain-validation',
    'failed',
    'before CU5',
    withSource({ canValidateCertificateChain: false }),
    /does not exist/,
  ],
  ['server.cluster', 'not-applicable', '2022', facts(), /Only SQL Server 2016/],
  ['server.cluster', 'passed', '2016', withSource({ productVersion: '13.0.7000.253' }), /cluster node/],
  [
    'server.cluster',
    'failed',
    '2016 without Always On',
    withSource({ productVersion: '13.0.7000.253', isHadrEnabled: false }),
    /needs a cluster/,
  ],

  ['endpoint.started', 'passed', 'started', facts(), /STARTED/],
  ['endpoint.started', 'failed', 'stopped', withEndpoint({ stateDesc: 'STOPPED' }), /STOPPED/],
  ['endpoint.started', 'not-applicable', 'none', facts({ endpoints: [] }), /no mirroring endpoint/],
  [
    'endpoint.authentication',
    'passed',
    'both',
    withEndpoint({ connectionAuthDesc: 'NEGOTIATE, CERTIFICATE' }),
    /CERTIFICATE/,
  ],
  [
    'endpoint.authentication',
    'failed',
    'Windows',
    withEndpoint({ connectionAuthDesc: 'NEGOTIATE' }),
    /NEGOTIATE/,
  ],
  ['endpoint.certificate', 'passed', 'ours', facts(), /Cert_SQL01_endpoint/],
  ['endpoint.certificate', 'failed', 'another', withEndpoint({ certificateName: 'Other' }), /Other/],
  ['endpoint.certificate', 'failed', 'none', withEndpoint({ certificateName: null }), /no certificate/],
  ['endpoint.encryption', 'passed', 'on', facts(), /is on/],
  ['endpoint.encryption', 'failed', 'off', withEndpoint({ isEncryptionEnabled: false }), /is off/],
  [
    'endpoint.algorithm',
    'passed',
    'AES with RC4',
    withEndpoint({ encryptionAlgorithmDesc: 'AES, RC4' }),
    /AES/,
  ],
  ['endpoint.algorithm', 'failed', 'RC4', withEndpoint({ encryptionAlgorithmDesc: 'RC4' }), /RC4/],
  ['endpoint.role', 'passed', 'partner', withEndpoint({ roleDesc: 'PARTNER' }), /PARTNER/],
  ['endpoint.role', 'failed', 'witness', withEndpoint({ roleDesc: 'WITNESS' }), /WITNESS/],
  ['endpoint.port', 'passed', 'same', facts(), /5022/],
  ['endpoint.port', 'failed', 'another', withEndpoint({ port: 5023 }), /5023; the inventory says 5022/],
  [
    'certificate.name',
    'passed',
    'named instance',
    withSource({ serverName: 'SQL01\\TWO' }),
    /Cert_SQL01_TWO_endpoint/,
  ],
  ['certificate.valid', 'passed', 'valid', facts(), /valid until/],
  [
    'certificate.valid',
    'failed',
    'expired',
    withCertificate({ expiryDate: '2027-02-28T00:00:00.000Z' }),
    /expired on 2027-02-28/,
  ],
  [
    'certificate.valid',
    'failed',
    'of the future',
    withCertificate({ startDate: '2027-04-01T00:00:00.000Z' }),
    /only from/,
  ],
  ['certificate.valid', 'unknown', 'no date', withCertificate({ expiryDate: '' }), /not understood/],
  ['certificate.valid', 'not-applicable', 'none yet', facts({ certificates: [] }), /the run makes it/],
  ['certificate.expires-soon', 'passed', 'far', facts(), /expires in/],
  [
    'certificate.expires-soon',
    'failed',
    'in ten days',
    withCertificate({ expiryDate: '2027-03-11T10:00:00.000Z' }),
    /expires in 10d/,
  ],
  ['certificate.expires-soon', 'unknown', 'no date', withCertificate({ expiryDate: '' }), /not understood/],
  ['certificate.private-key', 'passed', 'by master key', facts(), /MK/],
  ['certificate.private-key', 'failed', 'none', withCertificate({ privateKeyEncryptionType: 'NA' }), /NA/],
  ['certificate.name-on-instance', 'passed', 'free', facts(), /no certificate named/],
  [
    'certificate.name-on-instance',
    'passed',
    'ours',
    facts({ trustCertificates: [{ name: 'Cert_SQL01_endpoint', thumbprint: '0xab01' }] }),
    /already trusts/,
  ],
  [
    'certificate.name-on-instance',
    'failed',
    'another',
    facts({ trustCertificates: [{ name: 'cert_sql01_endpoint', thumbprint: 'FF' }] }),
    /thumbprint FF/,
  ],
  ['certificate.of-instance', 'not-applicable', 'not imported', facts(), /not imported/],
  ['certificate.of-instance', 'passed', 'valid', withCertificate({ name: FQDN }), /valid until/],
  [
    'certificate.of-instance',
    'failed',
    'expired',
    withCertificate({ name: FQDN, expiryDate: '2026-01-01T00:00:00.000Z' }),
    /expired/,
  ],
  [
    'certificate.of-instance',
    'unknown',
    'no date',
    withCertificate({ name: FQDN, expiryDate: '' }),
    /not understood/,
  ],
  ['certificate.instance-name', 'passed', 'none', facts(), /No certificate/],
  [
    'certificate.instance-name',
    'failed',
    'misnamed',
    withCertificate({ name: 'MiCert', subject: `CN=${FQDN}` }),
    /MiCert/,
  ],
  [
    'certificate.authorities',
    'passed',
    'there',
    facts({ certificates: [certificate({ name: 'MicrosoftPKI' }), certificate({ name: 'DigiCertPKI' })] }),
    /are there/,
  ],
  [
    'certificate.authorities',
    'failed',
    'one missing',
    withCertificate({ name: 'MicrosoftPKI' }),
    /^DigiCertPKI will/,
  ],

  ['database.exists', 'passed', 'there', facts(), /id 5/],
  ['database.exists', 'failed', 'absent', facts({ database: null }), /no database "Orders"/],
  ['database.user-database', 'passed', 'user', facts(), /id 5/],
  ['database.user-database', 'failed', 'system', withDatabase({ databaseId: 4, name: 'msdb' }), /msdb/],
  [
    'database.user-database',
    'failed',
    'distribution',
    withDatabase({ name: 'distribution' }),
    /distribution/,
  ],
  ['database.online', 'passed', 'online', facts(), /ONLINE/],
  ['database.online', 'failed', 'suspect', withDatabase({ stateDesc: 'SUSPECT' }), /SUSPECT/],
  ['database.multi-user', 'passed', 'many', facts(), /MULTI_USER/],
  ['database.multi-user', 'failed', 'single', withDatabase({ userAccessDesc: 'SINGLE_USER' }), /SINGLE_USER/],
  ['database.read-write', 'passed', 'writable', facts(), /read-write/],
  ['database.read-write', 'failed', 'read-only', withDatabase({ isReadOnly: true }), /read-only/],
  ['database.auto-close', 'passed', 'off', facts(), /off/],
  ['database.auto-close', 'failed', 'on', withDatabase({ isAutoCloseOn: true }), /on/],
  ['database.recovery-model', 'passed', 'full', facts(), /FULL/],
  ['database.recovery-model', 'failed', 'simple', withDatabase({ recoveryModelDesc: 'SIMPLE' }), /SIMPLE/],
  ['database.full-backup', 'passed', 'there', facts(), /finished at 2027-02-28/],
  [
    'database.full-backup',
    'failed',
    'none',
    withDatabase({ lastFullBackupAt: null, lastLogBackupLsn: null }),
    /no full backup/,
  ],
  [
    'database.full-backup',
    'failed',
    'chain broken',
    withDatabase({ lastLogBackupLsn: null }),
    /chain is broken/,
  ],
  ['database.availability-group', 'passed', 'in none', facts(), /no availability group/],
  [
    'database.availability-group',
    'passed',
    'in our own',
    facts({ database: database({ availabilityGroupName: 'AG_Orders' }), availabilityGroups: ownGroups }),
    /alone in AG_Orders/,
  ],
  [
    'database.availability-group',
    'failed',
    'in another',
    withDatabase({ availabilityGroupName: 'Prod' }),
    /Prod/,
  ],
  ['database.log-files', 'passed', 'one', facts(), /1 log files/],
  ['database.log-files', 'failed', 'two', files(file('log2', 'LOG')), /2 log files: log, log2/],
  ['database.log-files', 'unknown', 'none reported', withDatabase({ files: [file('data')] }), /No log file/],
  ['database.file-count', 'passed', 'few', facts(), /2 files/],
  [
    'database.file-count',
    'passed',
    'many on Business Critical',
    facts({
      database: files(...names(300).map((name) => file(name))).database,
      instance: instance({ tier: 'BusinessCritical' }),
    }),
    /302 files/,
  ],
  [
    'database.file-count',
    'failed',
    'many on General Purpose',
    files(...names(279).map((name) => file(name))),
    /281 files/,
  ],
  ['database.filestream', 'passed', 'none', facts(), /FILESTREAM: no/],
  ['database.filestream', 'failed', 'FILESTREAM', withDatabase({ hasFilestream: true }), /FILESTREAM: yes/],
  ['database.filestream', 'failed', 'FileTables', withDatabase({ hasFileTables: true }), /FileTables: yes/],
  ['database.memory-optimized', 'passed', 'none', facts(), /no memory-optimized/],
  [
    'database.memory-optimized',
    'passed',
    'to Business Critical',
    facts({
      database: database({ hasMemoryOptimizedFilegroup: true }),
      instance: instance({ tier: 'BusinessCritical' }),
    }),
    /BusinessCritical/,
  ],
  [
    'database.memory-optimized',
    'failed',
    'to General Purpose',
    withDatabase({ hasMemoryOptimizedFilegroup: true }),
    /GeneralPurpose/,
  ],
  [
    'database.memory-optimized',
    'unknown',
    'to a new tier',
    facts({
      database: database({ hasMemoryOptimizedFilegroup: true }),
      instance: instance({ tier: 'Ultra' }),
    }),
    /Ultra/,
  ],
  ['database.defunct-files', 'passed', 'none', facts(), /No file/],
  ['database.defunct-files', 'failed', 'one', files(file('old', 'ROWS', 'DEFUNCT')), /old/],
  ['database.files-online', 'passed', 'all', facts(), /2 files are online/],
  [
    'database.files-online',
    'failed',
    'one pending',
    files(file('f', 'ROWS', 'RECOVERY_PENDING')),
    /f is RECOVERY_PENDING/,
  ],
  ['database.size', 'passed', 'fits', facts(), /44 GB; the instance has 256 GB/],
  ['database.size', 'failed', 'too big', withInstance({ storageSizeGb: 32 }), /32 GB/],
  ['database.size', 'unknown', 'not reported', withInstance({ storageSizeGb: Number.NaN }), /not report/],
  ['database.encryption-key', 'passed', 'not encrypted', facts(), /not encrypted/],
  [
    'database.encryption-key',
    'unknown',
    'encrypted',
    withDatabase({ isEncrypted: true, tdeEncryptorType: 'CERTIFICATE', tdeCertificateName: 'TdeCert' }),
    /CERTIFICATE TdeCert/,
  ],
  ['database.compatibility-level', 'passed', '160', facts(), /160/],
  ['database.compatibility-level', 'failed', '90', withDatabase({ compatibilityLevel: 90 }), /90/],
  ['database.change-data-capture', 'passed', 'off', facts(), /off/],
  ['database.change-data-capture', 'failed', 'on', withDatabase({ isCdcEnabled: true }), /on/],
  ['database.published', 'passed', 'no', facts(), /not published/],
  ['database.published', 'failed', 'yes', withDatabase({ isPublished: true }), /is published/],
  ['database.service-broker', 'passed', 'on', facts(), /on/],
  ['database.service-broker', 'failed', 'off', withDatabase({ isBrokerEnabled: false }), /off/],
  ['database.accelerated-recovery', 'passed', 'on', facts(), /on/],
  [
    'database.accelerated-recovery',
    'failed',
    'off',
    withDatabase({ isAcceleratedDatabaseRecoveryOn: false }),
    /off/,
  ],
  [
    'database.accelerated-recovery',
    'not-applicable',
    '2017',
    withDatabase({ isAcceleratedDatabaseRecoveryOn: null }),
    /from 2019/,
  ],
  ['database.version-store', 'unknown', 'on', facts(), /not read/],
  [
    'database.version-store',
    'not-applicable',
    'off',
    withDatabase({ isAcceleratedDatabaseRecoveryOn: false }),
    /no persistent/,
  ],

  ['group.availability-group-name', 'passed', 'free', facts(), /No group/],
  ['group.availability-group-name', 'passed', 'ours', facts({ availabilityGroups: ownGroups }), /used again/],
  [
    'group.availability-group-name',
    'failed',
    'with others',
    facts({ availabilityGroups: [{ ...ownAg, databases: ['Orders', 'B'] }] }),
    /Orders, B/,
  ],
  [
    'group.availability-group-name',
    'failed',
    'distributed',
    facts({ availabilityGroups: [{ ...ownDag, name: 'ag_orders' }] }),
    /distributed/,
  ],
  ['group.availability-group-role', 'not-applicable', 'none', facts(), /no such group/],
  ['group.availability-group-role', 'passed', 'primary', facts({ availabilityGroups: ownGroups }), /PRIMARY/],
  [
    'group.availability-group-role',
    'failed',
    'secondary',
    facts({ availabilityGroups: [{ ...ownAg, localRoleDesc: 'SECONDARY' }] }),
    /SECONDARY/,
  ],
  [
    'group.availability-group-role',
    'unknown',
    'no role',
    facts({ availabilityGroups: [{ ...ownAg, localRoleDesc: null }] }),
    /not reported/,
  ],
  ['group.link-name', 'passed', 'free', facts(), /No group/],
  ['group.link-name', 'passed', 'ours', facts({ availabilityGroups: ownGroups }), /used again/],
  [
    'group.link-name',
    'failed',
    'another',
    facts({ availabilityGroups: [{ ...ownDag, replicas: [] }] }),
    /members \[\]/,
  ],
  ['group.link-name-on-instance', 'passed', 'free', facts(), /No link/],
  [
    'group.link-name-on-instance',
    'passed',
    'ours',
    facts({ availabilityGroups: ownGroups, instance: instance({ linkNames: ['DAG_Orders'] }) }),
    /of this migration/,
  ],
  [
    'group.link-name-on-instance',
    'failed',
    'leftover',
    withInstance({ linkNames: ['dag_orders'] }),
    /no such distributed/,
  ],
  ['group.instance-group-name', 'passed', 'free', facts({ availabilityGroups: ownGroups }), /No other link/],
  [
    'group.instance-group-name',
    'failed',
    'used',
    facts({ availabilityGroups: [{ ...ownDag, name: 'DAG_Old' }] }),
    /DAG_Old uses AG_Orders_MI/,
  ],

  ['instance.ready', 'passed', 'ready', facts(), /Ready/],
  ['instance.ready', 'failed', 'stopped', withInstance({ state: 'Stopped' }), /Stopped/],
  ['instance.ready', 'unknown', 'a new state', withInstance({ state: 'Dreaming' }), /Dreaming/],
  ['instance.engine', 'passed', 'managed instance', facts(), /is 8/],
  [
    'instance.engine',
    'failed',
    'SQL Server',
    facts({ instanceServer: server({ serverName: FQDN }) }),
    /is 3/,
  ],
  ['instance.identity', 'passed', 'same', facts(), /mi-01/],
  [
    'instance.identity',
    'failed',
    'another',
    facts({ instanceServer: server({ serverName: 'mi-02.x.database.windows.net', engineEdition: 8 }) }),
    /mi-02/,
  ],
  ['instance.failover-group', 'passed', 'none', facts(), /not in/],
  ['instance.failover-group', 'failed', 'one', withInstance({ isInFailoverGroup: true }), /is in/],
  ['instance.database-name', 'passed', 'free', facts(), /no database/],
  [
    'instance.database-name',
    'passed',
    'came over our link',
    facts({
      availabilityGroups: ownGroups,
      instance: instance({ linkNames: ['DAG_Orders'], databaseNames: ['Orders'] }),
    }),
    /came over/,
  ],
  ['instance.database-name', 'failed', 'taken', withInstance({ databaseNames: ['ORDERS'] }), /already/],
  ['instance.database-capacity', 'passed', 'few', facts(), /1 other/],
  [
    'instance.database-capacity',
    'passed',
    'next generation perhaps',
    withInstance({ databaseNames: names(100) }),
    /next-generation/,
  ],
  ['instance.database-capacity', 'failed', 'full', withInstance({ databaseNames: names(500) }), /500 other/],
  [
    'instance.database-capacity',
    'failed',
    'full Business Critical',
    withInstance({ databaseNames: names(100), tier: 'BusinessCritical' }),
    /100 other/,
  ],
  ['instance.link-capacity', 'passed', 'few', facts(), /0 other/],
  [
    'instance.link-capacity',
    'failed',
    'full',
    withInstance({ linkNames: names(100), tier: 'BusinessCritical' }),
    /100 other links/,
  ],
  ['instance.update-policy', 'passed', '2022 to any', withInstance({ databaseFormat: null }), /2022/],
  [
    'instance.update-policy',
    'failed',
    '2025 to 2022',
    withSource({ productVersion: '17.0.1000.7' }),
    /2025, update policy SQLServer2022/,
  ],
  [
    'instance.update-policy',
    'passed',
    '2025 to 2025',
    facts({
      source: server({ productVersion: '17.0.1000.7' }),
      instance: instance({ databaseFormat: 'SqlServer2025' }),
    }),
    /SqlServer2025/,
  ],
  [
    'instance.update-policy',
    'unknown',
    '2025 to a new one',
    facts({
      source: server({ productVersion: '17.0.1000.7' }),
      instance: instance({ databaseFormat: 'Novel' }),
    }),
    /Novel/,
  ],
  ['instance.way-back', 'passed', 'matches', facts(), /SQLServer2022/],
  [
    'instance.way-back',
    'failed',
    'always up to date',
    withInstance({ databaseFormat: 'AlwaysUpToDate' }),
    /AlwaysUpToDate/,
  ],
  ['instance.way-back', 'failed', '2019', withSource({ productVersion: '15.0.4312.2' }), /no way back/],
  ['instance.way-back', 'unknown', 'not reported', withInstance({ databaseFormat: null }), /not reported/],

  ['seeding.deadline', 'passed', 'in time', facts(), /40 GB take about 28m/],
  [
    'seeding.deadline',
    'failed',
    'too slow',
    facts(),
    /the deadline is 10m/,
    spec({ seeding: { deadline: '10m', warnBefore: [] } }),
  ],
  ['cutover.route', 'passed', 'planned failover', facts(), /planned failover/],
  [
    'cutover.route',
    'passed',
    'delete and remove',
    withSource({ productVersion: '15.0.4312.2' }),
    /deletes the link/,
  ],
  [
    'cutover.route',
    'failed',
    'delete but keep',
    withSource({ productVersion: '15.0.4312.2' }),
    /deletes the link/,
    spec({ cutover: { afterwards: 'keep-link' } }),
  ],
  ['cutover.fence-logins', 'passed', 'there', facts(), /app exist/],
  ['cutover.fence-logins', 'failed', 'missing', facts({ missingFenceLogins: ['app'] }), /no login app/],
  ['cutover.fence-logins', 'not-applicable', 'none named', facts(), /No logins/, spec({ cutover: {} })],
  ['cutover.fence-own-login', 'passed', 'another', facts(), /ferry is not/],
  [
    'cutover.fence-own-login',
    'failed',
    'the same',
    facts(),
    /names ferry/,
    spec({ cutover: { fence: { disableLogins: ['FERRY'] } } }),
  ],
  [
    'cutover.fence-own-login',
    'not-applicable',
    'Entra',
    facts(),
    /not use a SQL login/,
    spec({}, { authentication: { type: 'entra' } }),
  ],
  ['cutover.fence-empty', 'passed', 'named', facts(), /app/],
  ['cutover.fence-empty', 'failed', 'empty', facts(), /nothing stops/, spec({ cutover: {} })],
  ['cutover.schedule', 'not-applicable', 'at once', facts(), /No fixed time/],
  [
    'cutover.schedule',
    'passed',
    'ahead',
    facts(),
    /may begin/,
    spec({ cutover: { schedule: { type: 'at', time: '2027-03-02T00:00:00Z' } } }),
  ],
  [
    'cutover.schedule',
    'failed',
    'past',
    facts(),
    /has passed/,
    spec({ cutover: { schedule: { type: 'at', time: '2027-02-02T00:00:00Z' } } }),
  ],
];

for (const [id, outcome, what, read, evidence, migration] of CASES) {
  test(`${id} is ${outcome}: ${what}`, () => {
    const report = runLinkPreflight(read, migration ?? spec(), NOW);
    const result = report.checks.find((check) => check.id === id);
    expect(result?.evidence).toMatch(evidence);
    expect(result?.outcome).toBe(outcome);
    // A remedy is told exactly when something is to be done.
    expect(result?.remedy === null).toBe(outcome === 'passed' || outcome === 'not-applicable');
  });
}

test('every check is seen to pass and to fail (or to stay open)', () => {
  const outcomes = (id: string) => new Set(CASES.filter(([of]) => of === id).map(([, outcome]) => outcome));
  for (const { id } of LINK_CHECKS) {
    const seen = outcomes(id);
    const isOpen = seen.has('failed') || seen.has('unknown');
    // A backslash cannot come into the name: the schema refuses it and the default replaces it.
    if (id !== 'certificate.name') expect([id, isOpen]).toEqual([id, true]);
    expect([id, seen.has('passed') || seen.has('not-applicable')]).toEqual([id, true]);
  }
});

test('a name with a backslash that came around the schema is refused', () => {
  const base = spec();
  const migration = { ...base.migration, certificate: { ...base.migration.certificate, name: 'Cert_A\\B' } };
  const report = runLinkPreflight(facts(), { ...base, migration }, NOW);
  expect(report.checks.find(({ id }) => id === 'certificate.name')?.outcome).toBe('failed');
});

test('ids are unique and every check cites a source', () => {
  const ids = LINK_CHECKS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const check of LINK_CHECKS) expect([check.id, check.source.length > 3]).toEqual([check.id, true]);
});

test('a sound pair has no blockers and no warnings', () => {
  const report = runLinkPreflight(facts(), spec(), NOW);
  expect(
    report.checks.filter(
      ({ severity, outcome }) => severity !== 'info' && outcome !== 'passed' && outcome !== 'not-applicable',
    ),
  ).toEqual([]);
  expect(report).toMatchObject({ blockers: 0, warnings: 0, observedAt: NOW_TEXT });
});

test('the objects of an earlier run of the same migration do not stop the next one', () => {
  const again = facts({
    availabilityGroups: ownGroups,
    database: database({ availabilityGroupName: 'AG_Orders' }),
    instance: instance({ linkNames: ['DAG_Orders'], databaseNames: ['Orders'] }),
    trustCertificates: [{ name: 'Cert_SQL01_endpoint', thumbprint: 'AB01' }],
  });
  expect(runLinkPreflight(again, spec(), NOW).blockers).toBe(0);
});

test('what could not be read counts as a blocker, and the oldest fact dates the report', () => {
  const read = facts({ instance: instance({ state: 'Dreaming', observedAt: '2027-03-01T09:59:00.000Z' }) });
  expect(runLinkPreflight(read, spec(), NOW)).toMatchObject({
    blockers: 1,
    observedAt: '2027-03-01T09:59:00.000Z',
  });
});
