/**
 * Fake activities of a link for the workflow driver: a small model of what the world would say, that notes every
 * effect. Used to judge what the workflow does, not how the activities do it.
 */
import { ApplicationFailure } from '@temporalio/common';
import type { LinkActivities, LinkWatchInput } from '../../src/activities/link/api';
import type { AroundFailoverActivities, HookInput } from '../../src/activities/run/failover-api';
import type { LinkSite } from '../../src/model/link/side';
import { hooksOf } from '../../src/model/run/hook-phases';
import { type ActivityCall, answer, type FakeActivity, type FakeOutcome, hang } from './workflow-driver';

const HOUR = 3_600_000;
const AT = '2026-11-01T00:00:00.000Z';

export interface FakeLinkOptions {
  readonly route?: 'planned-failover' | 'delete-link';
  readonly seedingMs?: number;
  /** Overrides one activity; undefined goes on to the default. */
  readonly override?: (call: ActivityCall) => FakeOutcome | undefined;
  readonly settledSteps?: readonly string[];
}

type FakedActivities = LinkActivities & AroundFailoverActivities;

/** What the fake world was made to do, in order: `do STEP`, `undo STEP`, `hook PHASE NAME`, `notify CODE`. */
export class FakeLink {
  readonly effects: string[] = [];
  readonly activities: Readonly<Record<keyof FakedActivities, FakeActivity>>;

  constructor(options: FakeLinkOptions = {}) {
    const route = options.route ?? 'planned-failover';
    const health = { observedAt: AT, healthy: true, summary: 'fine', lagSeconds: 0, logUsedPercent: 5 };
    const evidence = {
      method: 'equal-lsn',
      summary: 'SQL Server and instance are equal at LSN 42 (3 samples behind the fence)',
      observedAt: AT,
      fencedAt: AT,
      primaryEndOfLogLsn: '42',
      secondaryHardenedLsn: '42',
      samples: 3,
      platformTime: AT,
    };
    const stepOf = (call: ActivityCall): string => (call.input as { stepId: string }).stepId;
    const done = new Set<string>();
    const defaults: Record<keyof FakedActivities, FakeActivity> = {
      preflight: () =>
        answer({
          report: { observedAt: AT, checks: [], blockers: 0, warnings: 0 },
          route,
          serverName: 'SQL1',
          instanceFqdn: 'mi-west.zone.database.windows.net',
          databaseBytes: 1,
        }),
      observeStep: (call) => {
        const step = stepOf(call);
        const planned = [{ kind: 'tsql', on: 'server', display: `DO ${step}` }];
        if (options.settledSteps?.includes(step))
          return answer({ before: { step }, settled: 'there', planned: [] });
        return answer({ before: { step, done: done.has(step) }, planned });
      },
      performStep: (call) => {
        const step = stepOf(call);
        done.add(step);
        this.effects.push(`do ${step}`);
        return answer(
          { stepId: step, outcome: 'done', effects: [], evidence: 'seen', startedAt: AT, durationMs: 10 },
          10,
        );
      },
      undoStep: (call) => {
        this.effects.push(`undo ${stepOf(call)}`);
        const effects = [{ kind: 'tsql', on: 'server', display: `UNDO ${stepOf(call)}` }];
        return answer({ effects, unreached: [] });
      },
      liftRemainingFences: () => answer([]),
      joinFromInstance: () => {
        const step = 'server.join-distributed-availability-group';
        this.effects.push(`do ${step}`);
        const outcome = {
          stepId: step,
          outcome: 'done',
          effects: [],
          evidence: 'joined',
          startedAt: AT,
          durationMs: 5,
        };
        return answer({ kind: 'joined', outcome }, 15_000);
      },
      awaitLinkConnected: () => answer({ kind: 'connected', evidence: 'CONNECTED' }, 30_000),
      watchSeeding: () =>
        answer({ kind: 'completed', serverTime: AT, evidence: 'complete' }, options.seedingMs ?? HOUR),
      takeFirstLogBackup: () => {
        this.effects.push('do first-log-backup');
        return answer({ at: AT, ruleId: 'log-backup.first', reason: 'first', effects: [], durationMs: 5 });
      },
      watch: (call) => {
        if (call.count > 5_000 || !isWatch(call, 'server')) return hang;
        return answer(
          {
            kind: 'log-backup-taken',
            backup: { at: AT, ruleId: 'log-backup.cadence', reason: 'due', effects: [], durationMs: 5 },
            health,
          },
          15 * 60_000,
        );
      },
      readRoles: () => answer({ server: null, instance: null }),
      awaitReadiness: () => answer({ observedAt: AT, summary: 'ready' }, 1_000),
      awaitCatchUp: () => answer(evidence, 2_000),
      confirmPointOfNoReturn: () => answer(evidence),
      readEndOfLog: () => answer({ lsn: '42' }),
      watchLogSpace: () => hang,
      measureLoss: () =>
        answer({
          observedAt: AT,
          method: 'estimate',
          seconds: 1,
          oldPrimaryEndOfLogLsn: null,
          newPrimaryHardenedLsn: '42',
          newPrimaryTime: AT,
          summary: 'estimate',
        }),
      awaitHealthy: () => answer({ evidence: 'healthy' }, 1_000),
      awaitAzureFullBackup: () => answer({ evidence: 'full backup' }, 60_000),
      readDatabaseProperties: () => answer({ observedAt: AT, on: 'server', compatibilityLevel: 160 }),
      checkAfterFailover: () =>
        answer([{ id: 'after.orphaned-users', outcome: 'passed', evidence: 'every user has its login' }], 50),
      runHook: (call) => {
        const { address, spec } = call.input as HookInput;
        const hook = hooksOf(spec.settings, address.phase)[address.index]?.name ?? '?';
        this.effects.push(`hook ${address.phase} ${hook}`);
        return answer(hookRecord(call, 'passed', 'HTTP 204'), 500);
      },
      notifyPerson: (call) => {
        this.effects.push(`notify ${(call.input as { code: string }).code}`);
        return answer(null);
      },
    };
    this.activities = Object.fromEntries(
      Object.entries(defaults).map(([name, fake]) => [
        name,
        (call: ActivityCall) => options.override?.(call) ?? fake(call),
      ]),
    ) as Record<keyof FakedActivities, FakeActivity>;
  }

  /** Effects without notifications and hooks. */
  get changes(): readonly string[] {
    return this.effects.filter((effect) => /^(do|undo) /.test(effect));
  }

  get hooks(): readonly string[] {
    return this.effects.filter((effect) => effect.startsWith('hook ')).map((effect) => effect.slice(5));
  }
}

/** What a watch is asked. */
export const watchInput = (call: ActivityCall): LinkWatchInput => call.input as LinkWatchInput;

/** It watches a link that this side leads. */
export const isWatch = (call: ActivityCall, primary: LinkSite): boolean =>
  call.type === 'watch' && watchInput(call).primary === primary;

/** Its type, and of a watch who leads. */
export const named = (call: ActivityCall): string =>
  call.type === 'watch' ? `watch ${watchInput(call).primary}` : call.type;

/** What `runHook` answers for a call. */
export function hookRecord(call: ActivityCall, outcome: 'passed' | 'refused' | 'failed', reason: string) {
  const { address, spec } = call.input as HookInput;
  const hook = hooksOf(spec.settings, address.phase)[address.index]?.name ?? '?';
  return { at: AT, phase: address.phase, hook, outcome, reason, tries: 1, durationMs: 500 };
}

/** A failure that only a person can mend, as the edge of an activity makes it. */
export const needsPerson = (code: string): ApplicationFailure =>
  ApplicationFailure.create({
    type: code,
    message: `${code} happened`,
    nonRetryable: true,
    details: [{ remedy: `mend ${code}` }],
  });
