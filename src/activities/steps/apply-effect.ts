import type { ArmRequest, Effect, Side } from '../../model/statement';
import type { Clock } from '../../ports/clock';
import { AzureFailure } from '../../ports/failures';
import type { ManagedInstancePort, OperationProgress } from '../../ports/managed-instance';
import type { SqlServerPort } from '../../ports/sql-server';
import type { Reporter } from './reporter';

const DEFAULT_DEADLINE_MS = 60_000;
const SLOWEST_POLL_MS = 15_000;

/** The ways to change the world. A recorder stands here when nothing may be changed. */
export interface EffectPorts {
  readonly source: SqlServerPort;
  readonly target: SqlServerPort;
  readonly azure: ManagedInstancePort;
}

export interface ApplyContext {
  readonly ports: EffectPorts;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
  /** Interval between looks at a running operation, milliseconds. */
  readonly pollMs: number;
}

/** Makes one change and waits until the platform says that it is made. */
export async function applyEffect(effect: Effect, context: ApplyContext): Promise<void> {
  if (effect.kind === 'arm') return applyArmRequest(effect.request, effect.display, context);
  const server = serverOn(effect.on, context.ports);
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

/** Goes on with an operation that an earlier attempt began (never begins it twice). */
export async function resumeOperation(context: ApplyContext): Promise<void> {
  const operation = context.reporter.resumable;
  if (operation === undefined) return;
  const first = await context.ports.azure.poll(operation, context.signal);
  await followOperation(first, 'operation of an earlier attempt', context);
}

async function applyArmRequest(request: ArmRequest, display: string, context: ApplyContext): Promise<void> {
  const first = await context.ports.azure.begin(request, context.signal);
  await followOperation(first, display, context);
}

async function followOperation(
  first: OperationProgress,
  display: string,
  context: ApplyContext,
): Promise<void> {
  let progress = first;
  while (progress.status === 'running') {
    context.reporter.saveOperation(progress.operation);
    context.reporter.report({
      version: 1,
      activity: 'azure-operation',
      waitingFor: `Azure to finish ${display.split('\n', 1)[0]} (${progress.detail})`,
      observedAt: new Date(context.clock.now()).toISOString(),
    });
    // Azure's Retry-After is for the patient; the end of a short operation is what a person waits for.
    const wait = Math.min(Math.max(progress.retryAfterMs, context.pollMs), SLOWEST_POLL_MS);
    await context.clock.sleep(wait, context.signal);
    progress = await context.ports.azure.poll(progress.operation, context.signal);
  }
  context.reporter.saveOperation(undefined);
  switch (progress.status) {
    case 'succeeded':
      return;
    // The resource itself tells what happened; the step looks at it next.
    case 'lost':
      return;
    case 'failed':
      throw new AzureFailure(display, undefined, progress.code, undefined, undefined, progress.message);
  }
}

function serverOn(side: Side, ports: EffectPorts): SqlServerPort {
  switch (side) {
    case 'source':
      return ports.source;
    case 'target':
      return ports.target;
  }
}
