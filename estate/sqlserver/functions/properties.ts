/** SERVERPROPERTY, DATABASEPROPERTYEX and their like: names to sql_variant values. */
import type { SqlType } from '../../sql/types';
import { SqlDateTime, SqlVariant, ticksFromUnixMs } from '../../sql/types';
import type { Database } from '../../world/model';
import { isSystemDatabase, type SessionContext } from '../context';
import { dateTime, intType, nvarcharType } from '../values';

const text = (value: string | null | undefined): SqlVariant | null =>
  value === null || value === undefined ? null : new SqlVariant(nvarcharType(128), value);
const int = (value: number | boolean | null): SqlVariant | null =>
  value === null ? null : new SqlVariant(intType, Number(value));
const bigintType: SqlType = { kind: 'bigint' };

type Property = (context: SessionContext) => SqlVariant | null;

const collationFacts: Property = () => int(1033);

const folder = (context: SessionContext, name: string): string | null => {
  if (context.managedInstance) return null;
  return context.instance.platform === 'linux'
    ? `/var/opt/mssql/${name.toLowerCase()}/`
    : `C:\\Program Files\\Microsoft SQL Server\\MSSQL${context.major}.MSSQLSERVER\\MSSQL\\${name}\\`;
};

/** A managed instance reports version 12 and its update policy apart (SERVERPROPERTY, remarks for Azure SQL). */
const productVersion: Property = (context) =>
  text(context.managedInstance ? '12.0.2000.8' : context.instance.version.productVersion);

const productMajor: Property = (context) => text(context.managedInstance ? '12' : String(context.major));

const serverProperties = new Map<string, Property>([
  ['productversion', productVersion],
  [
    'productlevel',
    (context) => text(context.managedInstance ? 'RTM' : context.instance.version.productLevel),
  ],
  [
    'productupdatelevel',
    (context) => text(context.managedInstance ? null : context.instance.version.updateLevel),
  ],
  ['productupdatetype', (context) => text(updateType(context))],
  ['productupdatereference', () => null],
  [
    'productbuild',
    (context) => text(context.managedInstance ? '2000' : String(context.instance.version.build)),
  ],
  ['productbuildtype', () => null],
  ['productmajorversion', productMajor],
  [
    'productminorversion',
    (context) => text(context.managedInstance ? '0' : String(context.instance.version.minor)),
  ],
  ['edition', (context) => text(context.managedInstance ? 'SQL Azure' : context.instance.edition)],
  ['editionid', (context) => new SqlVariant(bigintType, editionId(context))],
  ['engineedition', (context) => int(context.instance.engineEdition)],
  ['ishadrenabled', (context) => int(context.instance.hadrEnabled)],
  ['hadrmanagerstatus', (context) => int(context.instance.hadrEnabled ? 1 : 2)],
  ['collation', (context) => text(context.instance.collation)],
  ['collationid', () => int(872_468_488)],
  ['comparisonstyle', () => int(196_609)],
  ['lcid', collationFacts],
  ['sqlcharset', () => int(1)],
  ['sqlcharsetname', () => text('iso_1')],
  ['sqlsortorder', () => int(52)],
  ['sqlsortordername', () => text('nocase_iso')],
  ['servername', (context) => text(context.instance.serverName)],
  ['machinename', (context) => text(context.managedInstance ? null : context.instance.name.split('\\')[0])],
  [
    'computernamephysicalnetbios',
    (context) => text(context.managedInstance ? null : context.instance.name.split('\\')[0]),
  ],
  // NULL on the default instance and on a managed instance.
  ['instancename', (context) => text(context.instance.name.split('\\')[1])],
  ['instancedefaultdatapath', (context) => text(folder(context, 'DATA'))],
  ['instancedefaultlogpath', (context) => text(folder(context, 'DATA'))],
  ['instancedefaultbackuppath', (context) => text(folder(context, 'Backup'))],
  ['isclustered', (context) => int(context.managedInstance ? null : 0)],
  ['issingleuser', () => int(0)],
  ['isintegratedsecurityonly', () => int(0)],
  ['isfulltextinstalled', () => int(1)],
  ['islocaldb', () => int(0)],
  ['isxtpsupported', (context) => int(context.instance.managed?.tier !== 'GeneralPurpose')],
  ['ispolybaseinstalled', () => int(0)],
  ['isadvancedanalyticsinstalled', () => int(0)],
  ['isexternalauthenticationonly', () => int(0)],
  ['istempdbmetadatamemoryoptimized', () => int(0)],
  ['isserversuspendedforsnapshotbackup', (context) => (context.major >= 16 ? int(0) : null)],
  ['filestreamconfiguredlevel', () => int(0)],
  ['filestreameffectivelevel', () => int(0)],
  ['filestreamsharename', () => text('MSSQLSERVER')],
  ['processid', (context) => int(context.managedInstance ? null : 1234)],
  ['licensetype', () => text('DISABLED')],
  ['numlicenses', () => null],
  ['buildclrversion', () => text('v4.0.30319')],
  ['resourceversion', productVersion],
  ['resourcelastupdatedatetime', (context) => datetime(context)],
  ['pathseparator', (context) => text(context.instance.platform === 'linux' ? '/' : '\\')],
]);

const updateType = (context: SessionContext): string | null => {
  if (context.managedInstance) {
    return context.instance.managed?.databaseFormat === 'AlwaysUpToDate' ? 'Continuous' : 'CU';
  }
  return context.instance.version.updateLevel === undefined ? null : 'CU';
};

const editionIds: readonly (readonly [RegExp, bigint])[] = [
  [/Enterprise Edition: Core/i, 1872460670n],
  [/Enterprise/i, 1804890536n],
  [/Developer/i, -2117995310n],
  [/Standard/i, -1534726760n],
  [/Express/i, -1592396055n],
  [/Web/i, 1293598313n],
];

const editionId = (context: SessionContext): bigint => {
  if (context.managedInstance) return 1674378470n;
  return editionIds.find(([pattern]) => pattern.test(context.instance.edition))?.[1] ?? 0n;
};

const datetime = (context: SessionContext): SqlVariant | null => {
  const value = dateTime(context.instance.startedAt);
  return value === null ? null : new SqlVariant({ kind: 'datetime' }, value);
};

/** SERVERPROPERTY(name); NULL for a name that is none. */
export const serverProperty = (context: SessionContext, name: string): SqlVariant | null =>
  serverProperties.get(name.toLowerCase())?.(context) ?? null;

const never = new SqlVariant({ kind: 'datetime' }, new SqlDateTime(ticksFromUnixMs(Date.UTC(1900, 0, 1))));

type DatabaseProperty = (database: Database) => SqlVariant | null;

const databaseProperties = new Map<string, DatabaseProperty>([
  ['status', (database) => text(database.state)],
  ['recovery', (database) => text(database.options.recoveryModel)],
  ['updateability', (database) => text(database.options.readOnly ? 'READ_ONLY' : 'READ_WRITE')],
  ['useraccess', (database) => text(database.options.userAccess)],
  ['collation', (database) => (database.state === 'ONLINE' ? text(database.options.collation) : null)],
  ['isautoclose', (database) => int(database.options.autoClose)],
  ['isautoshrink', () => int(0)],
  ['isinstandby', () => int(0)],
  ['ispublished', (database) => int(database.options.published)],
  ['issubscribed', () => int(0)],
  ['ismergepublished', () => int(0)],
  ['isfulltextenabled', () => int(0)],
  ['isxtpsupported', (database) => int(database.filegroups.some((group) => group.type === 'FX'))],
  ['iscloned', () => int(0)],
  ['isverifiedclone', () => int(0)],
  ['isautocreatestatistics', () => int(1)],
  ['isautoupdatestatistics', () => int(1)],
  ['lcid', () => int(1033)],
  ['sqlsortorder', () => int(52)],
  ['lastgoodcheckdbtime', () => never],
  ['edition', () => null],
  ['serviceobjective', () => null],
]);

const systemProperty = (context: SessionContext, name: string, property: string): SqlVariant | null => {
  switch (property) {
    case 'status':
      return text('ONLINE');
    case 'recovery':
      return text(name.toLowerCase() === 'model' ? 'FULL' : 'SIMPLE');
    case 'updateability':
      return text('READ_WRITE');
    case 'useraccess':
      return text('MULTI_USER');
    case 'collation':
      return text(context.instance.collation);
    default:
      return property.startsWith('is') ? int(0) : null;
  }
};

/** DATABASEPROPERTYEX(database, name). A readable secondary says READ_ONLY for Updateability. */
export const databaseProperty = (
  context: SessionContext,
  name: string,
  property: string,
): SqlVariant | null => {
  const key = property.toLowerCase();
  if (isSystemDatabase(name)) return systemProperty(context, name, key);
  const database = context.world.databases.find(context.instanceName, name);
  if (database === undefined) return null;
  const secondary = context.world.groups.isPrimaryReplica(context.instanceName, name) === false;
  if (key === 'updateability' && secondary) return text('READ_ONLY');
  return databaseProperties.get(key)?.(database) ?? null;
};
