/** The rows of a status about the link itself: label and value, for a migration and for a link that stays. */

import type { RunView } from '../../client/runs';
import { formatDuration } from '../../model/duration';
import { bySite, linkSite } from '../../model/link/side';
import type { SiteId } from '../../model/run/site';
import type { RpoEstimate } from '../../rules/run/rpo';
import { EXPIRY_THRESHOLD_DAYS } from '../../rules/sql-server/certificate-expiry';
import type { NextExpiry } from '../../rules/sql-server/certificate-next';
import type { CertificateLook, LinkLook } from '../link-look';
import { formatBytes, formatSpent, formatTime } from './format';
import type { Style } from './style';

type Row = [label: string, value: string];
type Standing = NonNullable<RunView['status']['protection']>;

export function linkRows(view: RunView, look: LinkLook | undefined, style: Style, now: number): Row[] {
  const { status } = view;
  const { protection } = status;
  const stays = protection ?? null;
  return [
    ...(stays === null ? [] : primaryRows(view, stays, look, style, now)),
    ...healthRows(view),
    ...(look?.rpo == null ? [] : [rpoRow(look.rpo)]),
    ...(look === undefined ? [] : logRows(look, style)),
    ...backupRows(view),
    ...(look === undefined ? [] : certificateRows(look, stays !== null, style, now)),
    ...(stays === null ? [] : historyRows(view, stays)),
    ...(stays === null || status.outcome !== 'running' ? [] : requestRows(stays)),
  ];
}

function primaryRows(
  { status }: RunView,
  protection: Standing,
  look: LinkLook | undefined,
  style: Style,
  now: number,
): Row[] {
  const nameOf = (site: SiteId): string =>
    bySite(linkSite(site), { server: status.server, instance: status.instance });
  const kind = bySite(linkSite(protection.primary), { server: 'SQL Server', instance: 'managed instance' });
  const { splitBrain, deletedExternally, drill } = protection;
  return [
    ['primary', `${nameOf(protection.primary)} (${kind})`],
    ...(look?.roles == null
      ? []
      : [
          [
            'roles',
            `${status.server} ${look.roles.server ?? 'not seen'}, ${status.instance} ${look.roles.instance ?? 'not seen'}; read ${ago(look.roles.observedAt, now)}`,
          ] satisfies Row,
        ]),
    ...(splitBrain === null ? [] : [['split brain', style.red(splitBrain.reason)] satisfies Row]),
    ...(deletedExternally === undefined
      ? []
      : [['removed', style.red(`by others: ${deletedExternally.reason}`)] satisfies Row]),
    ...(drill === undefined
      ? []
      : [
          [
            'drill',
            drill.holdUntil === null
              ? `on its way back to ${nameOf(drill.from)}`
              : `holds until ${formatTime(drill.holdUntil)}, then back to ${nameOf(drill.from)}`,
          ] satisfies Row,
        ]),
  ];
}

/** The heartbeat of the watch is newer than what the run has noted. */
function healthRows({ status, pending }: RunView): Row[] {
  const seen = pending.find(({ progress }) => progress?.details?.link !== undefined)?.progress;
  const link = seen?.details?.link ?? status.health?.summary;
  const queues = Object.entries(seen?.details ?? {}).filter(([label]) => label.endsWith('queue'));
  return [
    ...(link === undefined ? [] : [['link', link] satisfies Row]),
    ...(queues.length === 0 || status.protection == null
      ? []
      : [
          [
            'queues',
            queues.map(([label, value]) => `${label.replace(' queue', '')} ${value}`).join(', '),
          ] satisfies Row,
        ]),
  ];
}

function rpoRow({ seconds, lagSeconds, ageSeconds, observedAt }: RpoEstimate): Row {
  if (lagSeconds === null) return ['RPO', 'not known: no lag was seen yet in this direction'];
  if (seconds === null || ageSeconds === null)
    return [
      'RPO',
      `not known: a lag of ${lagSeconds} s was seen at a time that lies ahead (${observedAt}): a clock is wrong`,
    ];
  return [
    'RPO',
    `at most ${formatSpent(seconds * 1_000)} of commits lost, if it were now (lag ${lagSeconds} s, seen ${spent(ageSeconds * 1_000)} ago)`,
  ];
}

function logRows({ log }: LinkLook, style: Style): Row[] {
  if (log === null) return [];
  const { usedPercent, sizeBytes, growthBytesPerSecond, fullInMs } = log;
  const growth =
    growthBytesPerSecond === null
      ? 'growth not known yet'
      : growthBytesPerSecond === 0
        ? 'not growing'
        : `growing by ${formatBytes(growthBytesPerSecond * 60)} a minute`;
  const full =
    fullInMs === null ? '' : `, full in ${formatDuration(Math.max(fullInMs, 1_000))} unless the file grows`;
  const isNear = usedPercent >= 85 || (fullInMs !== null && fullInMs < 10 * 60_000);
  const space = `${usedPercent.toFixed(1)} % of ${formatBytes(sizeBytes)} used, ${growth}${full}`;
  return [
    ['log space', isNear ? style.yellow(space) : space],
    ['log waits', `${log.meaning}${log.advice === null ? '' : `; ${log.advice}`}`],
  ];
}

/** Nothing here deletes their files: whoever restores needs them as long as no newer full backup is kept. */
function backupRows({ status }: RunView): Row[] {
  const { logBackups, protection } = status;
  if (protection?.primary === 'instance') return [['log backups', 'by Azure, while the instance leads']];
  if (logBackups.count === 0) return [];
  const last = logBackups.lastAt === null ? '' : `, last ${formatTime(logBackups.lastAt)}`;
  return [['log backups', `${logBackups.count}${last}; their files are yours to keep and delete`]];
}

function certificateRows({ certificates }: LinkLook, stays: boolean, style: Style, now: number): Row[] {
  if (certificates === null) {
    return stays
      ? [
          [
            'certificates',
            'not looked at regularly; do so with: sqlferry certificates schedule MIGRATION-FILE',
          ],
        ]
      : [];
  }
  if (certificates === 'unreadable') {
    return [['certificates', 'whether they are looked at is not known: the schedules cannot be read']];
  }
  return [['certificates', certificateTexts(certificates, style, now).join('; ')]];
}

function certificateTexts(look: CertificateLook, style: Style, now: number): readonly string[] {
  const { next, chain, checkedAt, failure, paused, note, nextCheckAt } = look;
  const planned = nextCheckAt === null ? '' : `, the next check is at ${formatTime(nextCheckAt)}`;
  const found =
    checkedAt === null
      ? ['no check has looked yet, or none is kept']
      : [next === null ? 'none found' : nextText(next, style)];
  return [
    ...found,
    ...(chain?.state === 'broken' ? [style.red('the chain does not validate')] : []),
    ...(checkedAt === null ? [] : [`looked at ${ago(checkedAt, now)}`]),
    ...(failure === null
      ? []
      : [style.red(`the newest check failed: ${failure.message} → ${failure.remedy}${planned}`)]),
    ...(checkedAt === null && failure === null && !paused ? [`scheduled${planned}`] : []),
    ...(paused
      ? [
          style.red(
            `the schedule is paused (${note ?? 'no note'}): sqlferry certificates schedule MIGRATION-FILE`,
          ),
        ]
      : []),
  ];
}

const PLACES = { server: 'SQL Server', instance: 'instance' } as const;

function nextText({ name, where, daysLeft, level }: NextExpiry, style: Style): string {
  const place = `${name} on the ${PLACES[where]}`;
  switch (level) {
    case 'missing':
    case 'expired':
      return style.red(`${place} is ${level}`);
    case 'critical':
      return style.red(`${place} ends in ${daysLeft} d, less than ${EXPIRY_THRESHOLD_DAYS.critical}`);
    case 'warning':
      return style.yellow(`${place} ends in ${daysLeft} d, less than ${EXPIRY_THRESHOLD_DAYS.warning}`);
    case 'info':
      return `${place} ends in ${daysLeft} d, less than ${EXPIRY_THRESHOLD_DAYS.info}`;
    case 'unknown':
      return `when ${place} ends cannot be read`;
    case 'ok':
      return `the next one to end is ${place}, in ${daysLeft} d`;
  }
}

function historyRows({ status }: RunView, protection: Standing): Row[] {
  const { failovers, lastDrill, fullBackupAt } = protection;
  const last = failovers.at(-1);
  const isInstance = status.protection?.primary === 'instance';
  return [
    ...(last === undefined
      ? []
      : [
          [
            'last failover',
            `${formatTime(last.endedAt)}, ${last.type === 'outside' ? '' : `${last.type}, `}${last.summary}${last.rtoMs === null ? '' : `; out of service ${formatDuration(last.rtoMs)}`}`,
          ] satisfies Row,
        ]),
    ...(isInstance && fullBackupAt !== undefined
      ? [
          [
            'full backup',
            fullBackupAt === null
              ? "Azure's first one since the failover is not seen yet"
              : `by Azure, finished ${formatTime(fullBackupAt)}`,
          ] satisfies Row,
        ]
      : []),
    [
      'last drill',
      lastDrill === undefined
        ? 'none yet'
        : `${formatTime(lastDrill.endedAt)}, ${lastDrill.outcome}: ${lastDrill.summary}`,
    ],
  ];
}

/** What can be asked now on one line; what cannot, each with its reason. */
function requestRows({ possible, notPossible }: Standing): Row[] {
  return [
    ...(possible.length === 0 ? [] : [['possible', possible.join(', ')] satisfies Row]),
    ...byReason(notPossible).map(
      ([reason, what]) => ['not possible', `${what.join(', ')}: ${reason}`] satisfies Row,
    ),
  ];
}

function byReason(refused: Standing['notPossible']): readonly (readonly [string, readonly string[]])[] {
  const reasons = new Map<string, string[]>();
  for (const { what, reason } of refused) reasons.set(reason, [...(reasons.get(reason) ?? []), what]);
  return [...reasons];
}

const ago = (iso: string, now: number): string => `${spent(now - Date.parse(iso))} ago`;

/** Whole seconds: it is read by eye. */
const spent = (ms: number): string => formatDuration(Math.max(1, Math.round(ms / 1_000)) * 1_000);
