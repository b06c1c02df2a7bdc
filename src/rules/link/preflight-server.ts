import { formatDuration } from '../../model/duration';
import { sameName } from '../names';
import { failed, notApplicable, passed, unknown } from '../preflight';
import { compareBuilds, parseBuild, releaseYear } from '../sql-server/version';
import { isLinkEdition, minimumLinkBuild } from './capability';
import { DOC, type LinkCheck } from './preflight-context';

/** Older facts are read again before anything is decided on them (promise 3). */
const FRESH_FOR_MS = 15 * 60_000;
/** Certificates are valid from the maker's time: a clock that is far off makes them invalid at the other side. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

export const SERVER_CHECKS: readonly LinkCheck[] = [
  {
    id: 'facts.fresh',
    title: 'The facts were read just now',
    severity: 'blocker',
    remedy: 'Run preflight again.',
    source: 'sqlferry: decisions on stale facts are refused',
    preventsError: null,
    run({ facts, now }) {
      const ages = [facts.server, facts.instance, facts.instanceServer, facts.database]
        .filter((read) => read !== null)
        .map(({ observedAt }) => now - Date.parse(observedAt));
      const oldest = Math.max(...ages);
      if (!Number.isFinite(oldest)) return unknown('A fact carries no time of reading.');
      if (Math.min(...ages) < 0) return unknown('A fact carries a time of reading that lies ahead.');
      const evidence = `The oldest fact was read ${formatDuration(oldest)} ago.`;
      return oldest <= FRESH_FOR_MS ? passed(evidence) : failed(evidence);
    },
  },
  {
    id: 'server.version',
    title: 'The build of SQL Server is one that the link supports',
    severity: 'blocker',
    remedy: 'Install the latest cumulative update of the release.',
    source: DOC.overview,
    preventsError: '35104',
    run({ facts: { server } }) {
      const build = parseBuild(server.productVersion);
      if (build === undefined) return unknown(`The version "${server.productVersion}" is not understood.`);
      const year = releaseYear(build);
      if (year === undefined && build.major < 13) {
        return failed(
          `SQL Server ${server.productVersion} is older than 2016.`,
          'Upgrade to SQL Server 2016 SP3 or later.',
        );
      }
      const minimum = year === undefined ? undefined : minimumLinkBuild(year);
      if (year === undefined || minimum === undefined) {
        return unknown(`SQL Server ${server.productVersion} is newer than this version of sqlferry knows.`);
      }
      const least = parseBuild(minimum);
      const isEnough = least !== undefined && compareBuilds(build, least) >= 0;
      const evidence = `SQL Server ${year} ${server.productVersion}; the link needs ${minimum} or later.`;
      return isEnough ? passed(evidence) : failed(evidence, UPDATE[year]);
    },
  },
  {
    id: 'server.link-support',
    title: 'The server has the procedures of the link',
    severity: 'blocker',
    remedy:
      'Install the latest cumulative update; on SQL Server 2016 and 2017 the Azure Connect pack on top.',
    source: `${DOC.scripts}; probing instead of comparing builds is inferred`,
    preventsError: '2812',
    run: ({ facts: { server } }) =>
      server.canTrustCertificateIssuers
        ? passed('sys.sp_certificate_add_issuer exists.')
        : failed(`sys.sp_certificate_add_issuer does not exist on ${server.productVersion}.`),
  },
  {
    id: 'server.edition',
    title: 'The edition is Enterprise, Standard or Developer',
    severity: 'blocker',
    remedy: 'Move the database to an instance of Enterprise, Standard or Developer edition first.',
    source: DOC.overview,
    preventsError: '41199',
    run: ({ facts: { server } }) =>
      isLinkEdition(server)
        ? passed(`${server.edition} (engine edition ${server.engineEdition}).`)
        : failed(`${server.edition} (engine edition ${server.engineEdition}).`),
  },
  {
    id: 'server.operating-system',
    title: 'The host runs Windows or Linux',
    severity: 'warning',
    remedy: 'Check that the host is Windows Server 2012 or later, or a supported Linux.',
    source: DOC.overview,
    preventsError: null,
    run({ facts: { server } }) {
      const build = parseBuild(server.productVersion);
      if (build?.major === 13) return passed('SQL Server 2016 runs on Windows only.');
      if (server.hostPlatform === null) return unknown('The server does not report its platform.');
      const known = ['windows', 'linux'].includes(server.hostPlatform.toLowerCase());
      return known ? passed(`${server.hostPlatform}.`) : unknown(`The platform is "${server.hostPlatform}".`);
    },
  },
  {
    id: 'server.sysadmin',
    title: 'The login is a member of sysadmin on the SQL Server',
    severity: 'blocker',
    remedy: 'ALTER SERVER ROLE sysadmin ADD MEMBER [login], or give another login in the inventory.',
    source: DOC.scripts,
    preventsError: '15151',
    run: ({ facts: { server } }) =>
      server.isSysadmin ? passed('The login is sysadmin.') : failed('The login is not sysadmin.'),
  },
  {
    id: 'server.name',
    title: 'The server knows its own name',
    severity: 'blocker',
    remedy: "EXEC sp_addserver N'<host name>', 'local'; then restart the service.",
    source: `${DOC.errors} (35237)`,
    preventsError: '35237',
    run: ({ facts: { server } }) =>
      server.serverName.trim() === ''
        ? failed('@@SERVERNAME is empty.')
        : passed(`@@SERVERNAME is ${server.serverName}.`),
  },
  {
    id: 'server.always-on',
    title: 'Always On availability groups are enabled',
    severity: 'blocker',
    remedy:
      'Enable Always On availability groups in SQL Server Configuration Manager (Linux: mssql-conf set hadr.hadrenabled 1) and restart the service.',
    source: DOC.preparation,
    preventsError: '35221',
    run: ({ facts: { server } }) =>
      server.isHadrEnabled ? passed('IsHadrEnabled is 1.') : failed('IsHadrEnabled is 0.'),
  },
  {
    id: 'server.master-key',
    title: 'The master database has a master key, or the inventory says how to make one',
    severity: 'blocker',
    remedy: 'Set masterKeyPassword of the SQL Server in the inventory to a secret reference.',
    source: DOC.scripts,
    preventsError: '15581',
    run({ facts: { server }, spec }) {
      if (server.hasMasterKey) return passed('The master key exists.');
      return spec.server.masterKeyPassword === undefined
        ? failed('There is no master key, and the inventory gives no masterKeyPassword.')
        : passed('There is no master key yet; it is made with masterKeyPassword.');
    },
  },
  {
    id: 'server.clock',
    title: 'The clocks of both sides agree',
    severity: 'warning',
    remedy: 'Synchronise the clock of the SQL Server host.',
    source: 'inferred: certificates are judged by the time of the side that reads them',
    preventsError: '28035',
    run({ facts: { server, instanceServer } }) {
      if (instanceServer === null) return notApplicable('The instance is not ready; it cannot be asked.');
      const here = Date.parse(server.serverTime) - Date.parse(server.observedAt);
      const there = Date.parse(instanceServer.serverTime) - Date.parse(instanceServer.observedAt);
      const apart = Math.abs(here - there);
      if (!Number.isFinite(apart)) return unknown('A server did not report its time.');
      const evidence = `The clocks are ${formatDuration(apart)} apart.`;
      return apart <= CLOCK_TOLERANCE_MS ? passed(evidence) : failed(evidence);
    },
  },
  {
    id: 'server.collation',
    title: 'Both instances have the same collation',
    severity: 'warning',
    remedy: 'If the link does not connect, compare how server names are written on both sides.',
    source: DOC.scripts,
    preventsError: '41976',
    run({ facts: { server, instance } }) {
      const evidence = `SQL Server has ${server.collation}, the instance ${instance.collation}.`;
      return sameName(server.collation, instance.collation) ? passed(evidence) : failed(evidence);
    },
  },
  traceFlag(
    1800,
    'info',
    'log disks with 512-byte and 4-KB sectors may be mixed',
    'not needed if both sides have 4-KB sectors',
  ),
  traceFlag(9567, 'info', 'the seeding stream is compressed', 'seeding sends more bytes without it'),
  {
    id: 'server.trace-flag-12381',
    title: 'Log is not kept by trace flag 12381 for longer than seeding',
    severity: 'info',
    remedy: 'DBCC TRACEOFF (12381, -1) as soon as all seedings are over, or the log fills.',
    source: DOC.troubleshoot,
    preventsError: '9002',
    run: ({ facts: { server } }) =>
      server.traceFlags.includes(12381)
        ? failed('Trace flag 12381 is on.')
        : passed('Trace flag 12381 is off; log backups are held in the dangerous window instead.'),
  },
  {
    id: 'server.keep-log',
    title: 'The build of SQL Server has trace flag 12381, where the log shall be kept by it',
    severity: 'warning',
    remedy:
      'Compare the build with the troubleshooting page; where in doubt, hold log backups of others until seeding is over.',
    source: DOC.troubleshoot,
    preventsError: '1412',
    run: ({ facts: { server }, spec }) =>
      spec.settings.seeding.keepLog === 'none'
        ? notApplicable('The log is not to be kept by a trace flag (seeding.keepLog).')
        : unknown(
            `Whether ${server.productVersion} has trace flag 12381 cannot be asked: a server accepts a flag that it does not have.`,
          ),
  },
  {
    id: 'server.chain-validation',
    title: 'The certificate chain of the instance can be validated before the link is made',
    severity: 'info',
    remedy: 'SQL Server 2022 CU5 and later can; without it a broken chain shows when the link is created.',
    source: 'SQL Server 2022 CU5 release notes; learn.microsoft.com best practices of the link',
    preventsError: '28035',
    run: ({ facts: { server } }) =>
      server.canValidateCertificateChain
        ? passed('sys.sp_validate_certificate_ca_chain exists.')
        : failed('sys.sp_validate_certificate_ca_chain does not exist.'),
  },
  {
    id: 'server.cluster',
    title: 'SQL Server 2016 has a Windows cluster of at least one node',
    severity: 'info',
    remedy: 'Install Failover Clustering, create a cluster of one node, then enable Always On.',
    source: 'learn.microsoft.com/azure/azure-sql/managed-instance/managed-instance-link-preparation-wsfc',
    preventsError: '35224',
    run({ facts: { server } }) {
      if (parseBuild(server.productVersion)?.major !== 13)
        return notApplicable('Only SQL Server 2016 needs one.');
      return server.isHadrEnabled
        ? passed('Always On is enabled, which 2016 allows only on a cluster node.')
        : failed('Always On is off; 2016 needs a cluster before it can be enabled.');
    },
  },
];

const UPDATE: Readonly<Record<number, string>> = {
  2016: 'Install SP3 and then the Azure Connect pack (13.0.7000.253).',
  2017: 'Install CU31 and then the Azure Connect pack (14.0.3490.10).',
  2019: 'Install CU20 (15.0.4312.2) or later.',
};

function traceFlag(flag: number, severity: 'info', effect: string, otherwise: string): LinkCheck {
  return {
    id: `server.trace-flag-${flag}`,
    title: `Trace flag ${flag} is on: ${effect}`,
    severity,
    remedy: `Recommended, not needed: start the service with -T${flag} (${otherwise}).`,
    source: DOC.preparation,
    preventsError: null,
    run: ({ facts: { server } }) =>
      server.traceFlags.includes(flag)
        ? passed(`Trace flag ${flag} is on.`)
        : failed(`Trace flag ${flag} is off.`),
  };
}
