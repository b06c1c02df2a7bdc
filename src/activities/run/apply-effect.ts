import type { ArmRequest } from '../../model/arm-request';
import { effectPacingOf } from '../../model/run/pacing';
import type { SiteId } from '../../model/run/site';
import type { Effect } from '../../model/statement';
import type { Clock } from '../../ports/clock';
import { AzureFailure } from '../../ports/failures';
import type { ManagedInstancePort, OperationProgress } from '../../ports/managed-instance';
import type { SqlServerPort } from '../../ports/sql-server';
import {
  type GroupPorts,
  requireMember,
  requireSite,
  type SqlServerPorts,
} from '../../ports/sql-server-ports';
import type { Reporter } from './reporter';

const DEFAULT_DEADLINE_MS = 60_000;

/** The ways to change the world. A recorder stands here when nothing may be changed. */
export interface EffectPorts extends Pick<SqlServerPorts, 'sites'> {
  /** Only where something is changed in Azure. */
  readonly azure?: ManagedInstancePort;
  readonly group?: Pick<GroupPorts, 'members'>;
}

export interface ApplyContext {
  readonly ports: EffectPorts;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
  /** Interval between looks at a running operation, milliseconds. */
  readonly pollMs: number;
  /**
   * Is the effect there already? Asked while an operation of Azure goes on for which applications wait: Azure wants to
   * be asked seldom, the servers show the roles at once.
   */
  readonly probeSettled?: () => Promise<boolean>;
}

/** Makes one change and waits until the platform says that it is made. */
export async function applyEffect(effect: Effect, context: ApplyContext): Promise<void> {
  if (effect.kind === 'arm') return applyArmRequest(effect.request, effect.display, context);
  const server = serverOf(effect.on, effect.server, context.ports);
  await server.execute(effect.statement, {
    deadlineMs: effect.deadlineMs ?? DEFAULT_DEADLINE_MS,
    signal: context.signal,
    onMessage: (message) => {
      context.reporter.report({
        version: 1,
        activity: effect.statement.id,
        waitingFor: message.text,
        observedAt: new Date(context.clock.now()).toISOString(),
      });
    },
  });
}

/**
 * Goes on with an operation that an earlier attempt began (never begins it twice).
 * @returns true when there was one and it came to its end
 */
export async function resumeOperation(context: ApplyContext): Promise<boolean> {
  const operation = context.reporter.resumable;
  if (operation === undefined) return false;
  const first = await requireAzure(context.ports).poll(operation, context.signal);
  return followOperation(first, 'operation of an earlier attempt', context);
}

async function applyArmRequest(request: ArmRequest, display: string, context: ApplyContext): Promise<void> {
  await followOperation(await beginOnce(request, context), display, context);
}

/** Notes whether Azure may have accepted the request, so that the next attempt does not send it blindly. */
async function beginOnce(request: ArmRequest, context: ApplyContext): Promise<OperationProgress> {
  const { reporter } = context;
  reporter.noteUnanswered(true);
  try {
    const first = await requireAzure(context.ports).begin(request, context.signal);
    if (first.status === 'running') reporter.saveOperation(first.operation);
    reporter.noteUnanswered(false);
    return first;
  } catch (error) {
    if (wasNotAccepted(error)) reporter.noteUnanswered(false);
    throw error;
  }
}

/** A refusal (4xx, also 429), or a request that never left. After 5xx or a lost answer only a look can tell. */
function wasNotAccepted(error: unknown): boolean {
  if (!(error instanceof AzureFailure)) return false;
  const { status, transport } = error;
  if (status !== undefined) return status >= 400 && status < 500 && status !== 408;
  return transport === 'unreachable' || transport === 'tls' || transport === 'login-failed';
}

/** @returns false when the operation was lost sight of: the resource itself tells what became of it. */
async function followOperation(
  first: OperationProgress,
  display: string,
  context: ApplyContext,
): Promise<boolean> {
  let progress = first;
  while (progress.status === 'running') {
    context.reporter.saveOperation(progress.operation);
    context.reporter.report({
      version: 1,
      activity: 'azure-operation',
      waitingFor: `Azure to finish ${display.split('\n', 1)[0]} (${progress.detail})`,
      observedAt: new Date(context.clock.now()).toISOString(),
    });
    // The end of a short operation is what a person waits for.
    const { longestMs } = effectPacingOf(context.pollMs);
    const wait = Math.min(Math.max(progress.retryAfterMs, context.pollMs), longestMs);
    if (await isThereWithin(wait, context)) {
      // Nobody needs to go on with the operation: what it was for is there.
      context.reporter.saveOperation(undefined);
      return true;
    }
    progress = await requireAzure(context.ports).poll(progress.operation, context.signal);
  }
  context.reporter.saveOperation(undefined);
  switch (progress.status) {
    case 'succeeded':
      return true;
    case 'lost':
      return false;
    case 'failed':
      throw new AzureFailure(display, undefined, progress.code, undefined, undefined, progress.message);
  }
}

/** @returns true as soon as the effect shows; false after the wait, milliseconds */
async function isThereWithin(
  wait: number,
  { clock, signal, pollMs, probeSettled }: ApplyContext,
): Promise<boolean> {
  if (probeSettled === undefined) {
    await clock.sleep(wait, signal);
    return false;
  }
  const until = clock.now() + wait;
  while (clock.now() < until) {
    await clock.sleep(Math.min(effectPacingOf(pollMs).glimpseMs, wait), signal);
    // A server that does not answer tells nothing; the operation does.
    if (await probeSettled().catch(() => false)) return true;
  }
  return false;
}

const serverOf = (on: SiteId, replica: string | undefined, ports: EffectPorts): SqlServerPort =>
  replica === undefined ? requireSite(ports, on) : requireMember(ports.group, replica);

/** @throws RangeError where a topology without Azure asks for something there */
function requireAzure({ azure }: EffectPorts): ManagedInstancePort {
  if (azure === undefined) throw new RangeError('nothing of these sites is in Azure');
  return azure;
}
