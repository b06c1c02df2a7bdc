/**
 * Runs of a link migration that are disturbed at every position, and what must hold in each of them. A position is
 * one call of an activity of the undisturbed run.
 */

import type { CutoverRoute } from '../../src/model/link/facts';
import type { ResolvedLink } from '../../src/model/link/spec';
import type { MigrationResult } from '../../src/workflows/link/migration-result';
import type { LinkStatus } from '../../src/workflows/link/status';
import { FakeLink, type FakeLinkOptions } from './fake-link';
import { linkSpec } from './link-spec';
import {
  type ActivityCall,
  type DriverOptions,
  type FakeOutcome,
  type TracedCall,
  WorkflowDriver,
} from './workflow-driver';

export const ROUTES: readonly CutoverRoute[] = ['planned-failover', 'delete-link'];

export const HOUR = 3_600_000;
export const DBA = { by: 'dba' };

const CROSSING: readonly string[] = ['server.planned-failover', 'instance.delete-link-to-cut-over'];

/** One call of the undisturbed run, as it is found again in a disturbed one. */
export interface Position {
  /** Counts from 1. */
  readonly number: number;
  readonly type: string;
  /** Which call of this activity, from 1. */
  readonly count: number;
  readonly stepId: string | undefined;
  readonly name: string;
  /** The run has crossed over, or cannot be stopped from it any more, once this call is made. */
  readonly isPastPointOfNoReturn: boolean;
}

export interface DisturbedRun {
  readonly link: FakeLink;
  readonly driver: WorkflowDriver;
  /** Undo of a step that was asked for while another activity that changes something was running. */
  readonly overlaps: readonly string[];
}

const CHANGING: readonly string[] = ['performStep', 'undoStep', 'takeFirstLogBackup', 'watch'];

export async function startRun(
  options: FakeLinkOptions,
  driverOptions: DriverOptions = {},
  spec: ResolvedLink = linkSpec(),
  workflowType: 'linkMigration' | 'disasterRecoveryLink' = 'linkMigration',
): Promise<DisturbedRun> {
  const overlaps: string[] = [];
  const running: { trace: readonly TracedCall[] } = { trace: [] };
  const link = new FakeLink({
    ...options,
    override: (call) => {
      if (call.type === 'undoStep') overlaps.push(...runningBeside(call, running.trace));
      return options.override?.(call);
    },
  });
  const input = { spec, visibility: false };
  const driver = await WorkflowDriver.start(workflowType, input, link.activities, driverOptions);
  running.trace = driver.trace;
  return { link, driver, overlaps };
}

export const stepOf = (call: ActivityCall): string | undefined =>
  (call.input as { readonly stepId?: string }).stepId;

/** All positions of the undisturbed run, and what it changed. */
export async function undisturbed(
  route: CutoverRoute,
): Promise<{ readonly positions: readonly Position[]; readonly changes: readonly string[] }> {
  const { link, driver } = await startRun({ route });
  await driver.run();
  let isPast = false;
  const positions = driver.calls.map((call, index): Position => {
    const stepId = stepOf(call);
    isPast ||= call.type === 'observeStep' && CROSSING.includes(stepId ?? '');
    return {
      number: index + 1,
      type: call.type,
      count: call.count,
      stepId,
      name: `${index + 1} ${call.type}${stepId === undefined ? '' : ` ${stepId}`}`,
      isPastPointOfNoReturn: isPast,
    };
  });
  await driver.dispose();
  return { positions, changes: link.changes };
}

/** As `isPastPointOfNoReturn`, of a run as it stands. */
export const hasPassed = ({ driver }: DisturbedRun): boolean =>
  driver.calls.some((call) => call.type === 'observeStep' && CROSSING.includes(stepOf(call) ?? ''));

/** Goes on until the call at a position is made; it is still running then. */
export async function runUpTo({ driver }: DisturbedRun, { number }: Position): Promise<void> {
  await driver.run(() => driver.calls.length >= number);
}

export const at =
  (position: Position, outcome: FakeOutcome) =>
  (call: ActivityCall): FakeOutcome | undefined =>
    call.type === position.type && call.count === position.count ? outcome : undefined;

export const statusOf = ({ driver }: DisturbedRun): Promise<LinkStatus> => driver.query('status');

export function resultOf({ driver }: DisturbedRun): MigrationResult {
  const { ended } = driver;
  if (ended?.kind !== 'completed') throw new Error(`the run did not complete: ${JSON.stringify(ended)}`);
  return ended.result as MigrationResult;
}

/** Steps that the run began, in the order of their first beginning; log backups are never undone. */
export function begunSteps(link: FakeLink): readonly string[] {
  const done = link.changes.filter((change) => change.startsWith('do ')).map((change) => change.slice(3));
  return [...new Set(done)].filter((step) => step !== 'first-log-backup');
}

export async function differsInReplay({ driver }: Pick<DisturbedRun, 'driver'>): Promise<readonly string[]> {
  try {
    await driver.replay();
    return [];
  } catch (error) {
    return [String(error)];
  }
}

export function isUndone({ link }: DisturbedRun): readonly string[] {
  const undone = link.changes.filter((change) => change.startsWith('undo ')).map((change) => change.slice(5));
  const expected = begunSteps(link).toReversed();
  if (JSON.stringify(undone) === JSON.stringify(expected)) return [];
  return [`undone ${undone.join(', ')}; begun, latest first: ${expected.join(', ')}`];
}

/**
 * What must hold in every run, however it was disturbed: promises 5, 6 and 8.
 * @returns every breach in words; none is the wish
 */
export function breaches({ driver, overlaps }: DisturbedRun): readonly string[] {
  return [...crossedWithoutProof(driver.trace), ...fenceLeft(driver.trace), ...overlaps];
}

/** Crossing over needs a fence that was completed, and after it a last look that was completed, with equal LSNs. */
function crossedWithoutProof(trace: readonly TracedCall[]): readonly string[] {
  let fenced = false;
  let confirmed = false;
  const found: string[] = [];
  for (const { call, state } of trace) {
    const stepId = stepOf(call);
    if (call.type === 'undoStep' && stepId === 'server.fence') {
      fenced = false;
      confirmed = false;
    }
    if (call.type === 'performStep' && stepId === 'server.fence') fenced = state === 'completed';
    if (call.type === 'confirmPointOfNoReturn') confirmed = fenced && state === 'completed';
    if (call.type === 'performStep' && CROSSING.includes(stepId ?? '') && !confirmed) {
      found.push(`${stepId} began without equal LSNs behind a fence`);
    }
  }
  return found;
}

/** A run that did not cross over must not keep the applications out when it ends or waits. */
function fenceLeft(trace: readonly TracedCall[]): readonly string[] {
  const calls = trace.map(({ call }) => call);
  const crossed = calls.some((call) => call.type === 'performStep' && CROSSING.includes(stepOf(call) ?? ''));
  if (crossed) return [];
  const last = calls.findLast(
    (call) => stepOf(call) === 'server.fence' && (call.type === 'performStep' || call.type === 'undoStep'),
  );
  return last?.type === 'performStep' ? ['the SQL Server is still fenced'] : [];
}

/** A step must not be undone beneath an activity that may still be at it. */
function runningBeside(undo: ActivityCall, trace: readonly TracedCall[]): readonly string[] {
  return trace
    .filter(({ call, state }) => call !== undo && state === 'running' && CHANGING.includes(call.type))
    .map(({ call }) => `undo of ${stepOf(undo)} began while ${call.type} ${stepOf(call) ?? ''} was running`);
}
