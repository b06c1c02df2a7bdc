/** Global variables about the server (@@SERVERNAME ...). The engine keeps @@ROWCOUNT and its like. */
import type { TypedValue } from '../../sql/host';
import type { SessionContext } from '../context';
import { intValue, textValue } from '../values';

const compilationDate: Readonly<Record<number, string>> = {
  13: 'Dec 28 2022 11:02:56',
  14: 'Feb  8 2024 09:12:25',
  15: 'Jul 18 2023 14:06:41',
  16: 'Nov  1 2024 16:22:00',
  17: 'Oct  7 2025 10:14:05',
};

/** @@VERSION as a server of that version prints it. */
export const versionText = (context: SessionContext): string => {
  const { version, platform, edition } = context.instance;
  const date = compilationDate[version.major] ?? 'Jan  1 2025 00:00:00';
  if (context.managedInstance) {
    return `Microsoft SQL Azure (RTM) - 12.0.2000.8 \n\t${date} \n\tCopyright (C) ${date.slice(7, 11)} Microsoft Corporation\n`;
  }
  const level =
    version.updateLevel === undefined
      ? version.productLevel
      : `${version.productLevel}-${version.updateLevel}`;
  const host =
    platform === 'linux'
      ? 'Linux (Ubuntu 22.04.4 LTS) <X64>'
      : 'Windows Server 2022 Standard 10.0 <X64> (Build 20348: ) (Hypervisor)';
  return (
    `Microsoft SQL Server ${version.year} (${level}) - ${version.productVersion} (X64) \n\t${date} \n` +
    `\tCopyright (C) ${version.year >= 2019 ? version.year : 2017} Microsoft Corporation\n\t${edition} on ${host}\n`
  );
};

type Read = (context: SessionContext) => TypedValue;

const variables = new Map<string, Read>([
  ['SERVERNAME', (context) => textValue(context.instance.serverName)],
  ['VERSION', (context) => textValue(versionText(context), 300)],
  ['SPID', (context) => ({ type: { kind: 'smallint' }, value: context.spid })],
  ['SERVICENAME', () => textValue('MSSQLSERVER')],
  ['MAX_CONNECTIONS', () => intValue(32_767)],
  ['LANGUAGE', () => textValue('us_english')],
  ['LANGID', () => ({ type: { kind: 'smallint' }, value: 0 })],
  ['OPTIONS', () => intValue(5496)],
  ['DATEFIRST', () => ({ type: { kind: 'tinyint' }, value: 7 })],
  ['LOCK_TIMEOUT', () => intValue(-1)],
  ['TEXTSIZE', () => intValue(2_147_483_647)],
  ['MAX_PRECISION', () => ({ type: { kind: 'tinyint' }, value: 38 })],
  ['NESTLEVEL', () => intValue(0)],
  ['PROCID', () => intValue(0)],
  ['DBTS', () => ({ type: { kind: 'varbinary', length: 8 }, value: new Uint8Array(8) })],
  ['REMSERVER', () => textValue(null)],
  ['CPU_BUSY', () => intValue(0)],
  ['CONNECTIONS', (context) => intValue(context.instance.sessions.size)],
  [
    'MICROSOFTVERSION',
    (context) =>
      intValue(
        context.instance.version.major * 0x0100_0000 +
          context.instance.version.minor * 0x1_0000 +
          context.instance.version.build,
      ),
  ],
]);

/** @param name with or without the @@ */
export const globalVariable = (context: SessionContext, name: string): TypedValue | undefined =>
  variables.get(name.replace(/^@@/, '').toUpperCase())?.(context);
