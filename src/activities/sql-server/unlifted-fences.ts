/** Logins of the fence on replicas that did not answer when it was lifted: opened as soon as the replica answers. */
import type { JournalEffect } from '../../model/run/journal';
import type { PendingOnServer } from '../../model/run/pending-on-server';
import type { Effect } from '../../model/statement';
import { SqlServerFailure } from '../../ports/failures';
import type { SqlServerPorts } from '../../ports/sql-server-ports';
import { sameName } from '../../rules/names';
import { enableLogin } from '../../tsql/logins';
import { readLogins } from '../../tsql/queries/logins';
import type { LiftedFence } from '../run/api';
import { toJournalEffect } from '../run/run-step';

/** A replica that is away must not hold up the log backups of the run: it is asked again with the next look. */
const ANSWER_WITHIN_MS = 5_000;

interface FenceContext {
  readonly ports: Pick<SqlServerPorts, 'group'>;
  readonly signal: AbortSignal;
}

/**
 * Asks each server once. Can run twice: a login that is enabled already is left as it is.
 * @returns the servers that answered, with what was done there; the others are still closed
 */
export async function liftRemainingFences(
  context: FenceContext,
  fences: readonly PendingOnServer[],
): Promise<readonly LiftedFence[]> {
  const lifted = await Promise.all(fences.map((fence) => liftOn(context, fence)));
  return lifted.filter((fence) => fence !== undefined);
}

async function liftOn(
  { ports, signal }: FenceContext,
  { server, logins }: PendingOnServer,
): Promise<LiftedFence | undefined> {
  const port = ports.group?.members.get(server);
  if (port === undefined) return undefined;
  const options = { signal, deadlineMs: ANSWER_WITHIN_MS };
  const effects: JournalEffect[] = [];
  try {
    const present = await port.query(readLogins(logins), options);
    for (const name of logins) {
      if (!present.some((login) => sameName(login.name, name) && login.isDisabled)) continue;
      const effect: Effect = { kind: 'tsql', on: 'server', server, statement: enableLogin(name) };
      await port.execute(effect.statement, options);
      effects.push(toJournalEffect(effect));
    }
    return { server, effects };
  } catch (error) {
    // Whatever it is, nobody waits for this replica: people know the statement, and it is tried again.
    if (error instanceof SqlServerFailure && !signal.aborted) return undefined;
    throw error;
  }
}
