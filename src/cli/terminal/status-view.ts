import type { PendingWork } from '../../client/pending-work';
import type { RunView } from '../../client/runs';
import { formatDuration } from '../../model/duration';
import { bySite, linkSite } from '../../model/link/side';
import { LINK_PHASE_TITLES, LINK_PHASES, type LinkPhase } from '../../model/link/step';
import type { Progress } from '../../model/run/progress';
import type { RunEvent } from '../../workflows/run/messages';
import type { LinkLook } from '../link-look';
import { bar, formatBytes, formatSpent, formatTime, table } from './format';
import { linkRows } from './link-rows';
import type { Style } from './style';

const BAR_WIDTH = 30;
/** Columns of the line with the bar that are not bar: percent, amount, rate, ETA. */
const BESIDE_BAR = 54;
const EVENTS_SHOWN = 5;

export interface StatusLayout {
  /** Columns of the terminal; 100 when there is none. */
  readonly width?: number;
  /** How many of the latest events are shown. */
  readonly events?: number;
  /** What the newest looks at both sides tell; without it there are no rows about them. */
  readonly look?: LinkLook;
}

/** The run as lines for a person: phases, progress, health, what it waits for and what to do. */
export function statusLines(
  view: RunView,
  style: Style,
  now: number,
  { width = 100, events = EVENTS_SHOWN, look }: StatusLayout = {},
): string[] {
  const { status } = view;
  const stands = standsNow(view);
  const lines = [
    `${style.bold(status.name)}  ${status.database}: ${direction(view)}  ${outcomeText(view, style)}`,
    ...(stands ? [] : ['', ...phaseLines(view, style, now)]),
  ].map((line) => line.trimEnd());
  const progress = progressOf(view.pending);
  // The rows of a link that stands say all of it.
  if (progress !== undefined && !(stands && IN_ROWS.has(progress.activity)))
    lines.push('', ...progressLines(progress, style, width, look?.log != null));
  if (status.waitingFor !== '') lines.push('', `${style.bold('waiting for')}  ${status.waitingFor}`);
  lines.push(...detailLines(view, style, now, look));
  if (status.events.length > 0 && events > 0) {
    lines.push('', ...status.events.slice(-events).map((event) => eventLine(event, style)));
  }
  if (status.nextSteps.length > 0) {
    lines.push('', ...status.nextSteps.map((step) => `${style.dim('→')} ${step}`));
  }
  return lines;
}

/** Waits whose progress the rows of a link that stands hold already. */
const IN_ROWS: ReadonlySet<string> = new Set(['replicating', 'instance-leads']);

const standsNow = ({ status }: RunView): boolean => status.outcome === 'running' && status.protection != null;

/** From the side that leads to the one that follows. */
function direction({ status }: RunView): string {
  const { instance, protection } = status;
  const server = status.groupLeader ?? status.server;
  const first = status.initialPrimary ?? 'server';
  return bySite(linkSite(protection?.primary ?? first), {
    server: `${server} → ${instance}`,
    instance: `${instance} → ${server}`,
  });
}

/** What makes a new line of a watched run: rates, lag and estimates change with every look and are no news. */
export function newsOf({ status, pending }: RunView): string {
  const percent = Math.floor(progressOf(pending)?.percent ?? 0);
  return JSON.stringify([status.outcome, status.phase, status.waitingFor, status.paused, percent]);
}

/** The run as one plain line, for logs and pipes. */
export function statusLine(view: RunView): string {
  const { status } = view;
  const progress = progressOf(view.pending);
  const parts = [
    `phase=${status.phase}`,
    ...(status.outcome === 'running' ? [] : [status.outcome]),
    ...(status.blockedBy === null ? [] : ['needs a person']),
    ...(status.paused ? ['paused'] : []),
    ...(progress?.percent === undefined ? [] : [`${progress.percent.toFixed(0)}%`]),
    ...(progress?.bytesPerSecond === undefined ? [] : [`${formatBytes(progress.bytesPerSecond)}/s`]),
    ...(progress?.etaMs === undefined ? [] : [`eta=${formatSpent(progress.etaMs)}`]),
    ...(progress?.lagSeconds === undefined ? [] : [`lag=${progress.lagSeconds}s`]),
    ...(status.waitingFor === '' ? [] : [`waiting for ${status.waitingFor}`]),
  ];
  return `${status.name}: ${parts.join(' ')}`;
}

export function eventLine(event: RunEvent, style: Style): string {
  const sign = { info: style.dim('·'), warning: style.yellow('!'), critical: style.red('✗') }[event.severity];
  return `${style.dim(shortTime(event.at))} ${sign} ${event.message}`;
}

/** @returns `11-28 02:57:09`, UTC: a migration may last for days */
export const shortTime = (iso: string): string => iso.slice(5, 19).replace('T', ' ');

function outcomeText({ status }: RunView, style: Style): string {
  switch (status.outcome) {
    case 'completed':
      return style.green('completed');
    case 'aborted':
      return style.yellow('aborted');
    case 'failed':
      return style.red('failed');
    case 'running':
      return status.blockedBy !== null
        ? style.red('needs a person')
        : status.paused
          ? style.yellow('paused')
          : '';
  }
}

function phaseLines(view: RunView, style: Style, now: number): string[] {
  const { status } = view;
  // Azure takes the log backups of an instance: there is no first one of this run.
  const phases = LINK_PHASES.filter(
    (phase) => status.initialPrimary !== 'instance' || phase !== 'first-log-backup',
  );
  const rows = phases.map((phase) => {
    const sign = phaseSign(view, phase, style);
    const spent = phaseMs(view, phase, now);
    const step = phase === status.phase && status.outcome === 'running' ? (status.step ?? '') : '';
    return [sign, LINK_PHASE_TITLES[phase], spent === undefined ? '' : formatSpent(spent), style.dim(step)];
  });
  return table(rows, '  ').split('\n');
}

function phaseSign({ status }: RunView, phase: LinkPhase, style: Style): string {
  const times = status.phases.filter((entry) => entry.phase === phase);
  if (times.length === 0) return style.dim('○');
  if (phase === status.phase && status.outcome === 'running') {
    return status.blockedBy === null ? style.cyan('●') : style.red('✗');
  }
  return phase === status.phase && status.outcome === 'failed' ? style.red('✗') : style.green('✓');
}

/** All visits of a phase together: a withdrawn cutover goes back to replicating. */
function phaseMs({ status }: RunView, phase: LinkPhase, now: number): number | undefined {
  const times = status.phases.filter((entry) => entry.phase === phase);
  if (times.length === 0) return undefined;
  return times.reduce(
    (sum, entry) => sum + (Date.parse(entry.endedAt ?? '') || now) - Date.parse(entry.startedAt),
    0,
  );
}

const progressOf = (pending: readonly PendingWork[]): Progress | undefined =>
  pending.find((work) => work.progress?.percent !== undefined)?.progress ??
  pending.find((work) => work.progress !== null)?.progress ??
  undefined;

/** @param logIsShown the room in the log has rows of its own */
function progressLines(progress: Progress, style: Style, width: number, logIsShown: boolean): string[] {
  const lines: string[] = [];
  const barWidth = Math.max(10, Math.min(BAR_WIDTH, width - BESIDE_BAR));
  if (progress.percent !== undefined) {
    const rate = progress.bytesPerSecond === undefined ? '' : `  ${formatBytes(progress.bytesPerSecond)}/s`;
    const eta =
      progress.etaMs === undefined
        ? ''
        : `  ETA ${formatSpent(Math.max(1, Math.round(progress.etaMs / 1_000)) * 1_000)}`;
    const amount =
      progress.doneBytes === undefined || progress.totalBytes === undefined
        ? ''
        : `  ${formatBytes(progress.doneBytes)} of ${formatBytes(progress.totalBytes)}`;
    const percent = `${progress.percent.toFixed(1)}%`.padStart(6);
    lines.push(`  ${style.cyan(bar(progress.percent / 100, barWidth))} ${percent}${amount}${rate}${eta}`);
  }
  const measures = [
    ...(progress.lagSeconds === undefined ? [] : [['lag', `${progress.lagSeconds} s`]]),
    ...(progress.logUsedPercent === undefined || logIsShown
      ? []
      : [['log space used', `${progress.logUsedPercent.toFixed(1)} %`]]),
    // The state of the link has a row of its own.
    ...Object.entries(progress.details ?? {}).filter(([label]) => label !== 'link'),
  ];
  if (measures.length > 0)
    lines.push(`  ${measures.map(([label, value]) => `${style.dim(`${label}:`)} ${value}`).join('   ')}`);
  if (progress.waitingFor !== '') lines.push(`  ${style.dim(withoutBody(progress.waitingFor))}`);
  return lines;
}

/** Requests to Azure are told with their body, which is for the log. */
const withoutBody = (text: string): string => text.replace(/ \{.*$/s, '');

function detailLines(view: RunView, style: Style, now: number, look: LinkLook | undefined): string[] {
  const { status } = view;
  const rows: string[][] = [];
  if (status.seedingDeadline !== null) {
    rows.push([
      'seeding deadline',
      `${formatTime(status.seedingDeadline)} (in ${formatDuration(Math.max(Date.parse(status.seedingDeadline) - now, 0))})`,
    ]);
  }
  if (status.seedingRestarts > 0) rows.push(['seeding restarts', String(status.seedingRestarts)]);
  rows.push(...linkRows(view, look, style, now), ...surroundingRows(view));
  for (const { server, logins, statement, since } of status.unliftedFences ?? [])
    rows.push([
      style.red('fence not lifted'),
      `${server} does not answer since ${formatTime(since)}: ${logins.join(', ')} may be disabled there. It is tried again; by hand on ${server}: ${statement}`,
    ]);
  if (status.instanceObjects !== undefined)
    rows.push(['logins and jobs', objectsText(status.instanceObjects)]);
  if (status.approval !== null)
    rows.push(['approved', `by ${status.approval.by}, valid until ${formatTime(status.approval.expiresAt)}`]);
  if (status.nextCutoverAt !== null) rows.push(['cutover not before', formatTime(status.nextCutoverAt)]);
  if (status.rtoMs !== null) rows.push(['out of service', formatDuration(status.rtoMs)]);
  for (const text of status.notKept ?? []) rows.push(['not kept', text]);
  for (const queue of view.unserved ?? [])
    rows.push([
      style.red('no worker'),
      `nobody takes work of task queue ${queue}; start one with: sqlferry worker, or give it more slots`,
    ]);
  for (const work of view.pending) {
    if (work.lastFailure === null) continue;
    rows.push([`attempt ${work.attempt}`, `${work.activity}: ${work.lastFailure}`]);
  }
  if (rows.length === 0) return [];
  return ['', ...table(rows.map(([label = '', value = '']) => [style.dim(label), value])).split('\n')];
}

/** Hooks that did not succeed, and what was found on the new primary, each with what mends it. */
function surroundingRows({ status }: RunView): string[][] {
  const hooks = (status.hooks ?? []).filter(({ outcome }) => outcome !== 'passed');
  const found = (status.checks ?? []).filter(({ outcome }) => outcome !== 'passed');
  return [
    ...hooks.map(({ phase, hook, outcome, reason }) => ['hook', `${hook} (${phase}) ${outcome}: ${reason}`]),
    ...found.map(({ id, evidence, remedy }) => [
      id.replace(/^after\./, ''),
      remedy === undefined ? evidence : `${evidence}. ${remedy}`,
    ]),
    ...(found.length === 0 && status.checks !== undefined
      ? [['new primary', `${status.checks.length} checks passed`]]
      : []),
  ];
}

function objectsText({ count, drift, observedAt }: NonNullable<RunView['status']['instanceObjects']>) {
  const when = `looked at ${formatTime(observedAt)}`;
  if (count === 0) return `the same on both sides (${when})`;
  const [first] = drift;
  const named = first === undefined ? '' : `: ${first.kind} ${first.name}${count > 1 ? ' and others' : ''}`;
  return `${count} difference${count === 1 ? '' : 's'}${named} (${when})`;
}
