import type { SiteId } from '../../model/run/site';
import type { SqlServerSpec } from '../../model/sql-server/spec';
import type { Clock } from '../../ports/clock';
import { requireSite, type SqlServerPorts } from '../../ports/sql-server-ports';
import { type BackupRow, readBackups } from '../../tsql/queries/backups';
import { type ApplyContext, applyEffect } from '../run/apply-effect';
import { toJournalEffect } from '../run/run-step';
import type { LogBackupTaken } from './api';
import { readServerFacts } from './observe/server';
import { heldForSeeding, logBackupEffect } from './steps/log-backup';

interface LogBackupContext {
  /** Site whose SQL Server backs up its log. */
  readonly on: SiteId;
  readonly ports: SqlServerPorts;
  readonly spec: Pick<SqlServerSpec, 'settings' | 'names'>;
  readonly clock: Clock;
}

/**
 * The first log backup after seeding. One that was taken since, by whomever, counts: taking it twice would do no
 * harm, but waiting for a second one could. While another copy of the database is made the server refuses it: it waits.
 */
export async function takeFirstLogBackup(
  context: LogBackupContext,
  apply: ApplyContext,
  seedingCompletedAt: string,
): Promise<LogBackupTaken> {
  for (;;) {
    try {
      return await takeOnce(context, apply, seedingCompletedAt);
    } catch (error) {
      const heldBecause = heldForSeeding(error);
      if (heldBecause === undefined) throw error;
      const { clock } = context;
      apply.reporter.report({
        version: 1,
        activity: 'first-log-backup',
        waitingFor: `the server to allow the first log backup: ${heldBecause}`,
        observedAt: new Date(clock.now()).toISOString(),
      });
      await clock.sleep(apply.pollMs, apply.signal);
    }
  }
}

async function takeOnce(
  { on, ports, spec, clock }: LogBackupContext,
  apply: ApplyContext,
  seedingCompletedAt: string,
): Promise<LogBackupTaken> {
  const startedAt = clock.now();
  const port = requireSite(ports, on);
  const backups = await port.query(readBackups(spec.settings.database), { signal: apply.signal });
  const finishedAt = newestLogBackup(backups);
  if (finishedAt !== null && Date.parse(finishedAt) > Date.parse(seedingCompletedAt)) {
    return {
      at: finishedAt,
      ruleId: 'first-log-backup.taken',
      reason: `a log backup finished at ${finishedAt}, after seeding`,
      effects: [],
      durationMs: 0,
    };
  }
  const server = await readServerFacts(port, clock, apply.signal);
  const effect = logBackupEffect(on, spec, server.serverTime);
  await applyEffect(effect, apply);
  return {
    at: new Date(clock.now()).toISOString(),
    ruleId: 'first-log-backup.due',
    reason: 'seeding is complete: the log can be backed up and reused from now on',
    effects: [toJournalEffect(effect)],
    durationMs: clock.now() - startedAt,
  };
}

/**
 * Copy-only log backups leave the log as it is, so they do not count.
 * @returns when the newest log backup finished, ISO 8601 UTC by the SQL Server's clock; null when there is none
 */
export function newestLogBackup(backups: readonly BackupRow[]): string | null {
  return backups.find(({ type, isCopyOnly }) => type === 'L' && !isCopyOnly)?.finishedAt ?? null;
}
