/** Runs what a request asks for and answers it as a long-running operation. */
import type { ArmOperation } from '../world/api';
import type { ArmContext, ManagedInstance } from './context';
import { accept } from './context';
import type { HttpResponse } from './http';
import type { OperationState } from './operations';
import { operationError } from './refusals';

export interface Effect<T> {
  /** Resource type in operation URLs. */
  readonly type: string;
  /** Operation name in the 202 body. */
  readonly name: string;
  readonly perform: () => ArmOperation<T>;
  /** Answer of the Location URL after success. */
  readonly result: () => HttpResponse;
  /** Told of the operation, when one was started. */
  readonly started?: (operation: ArmOperation<T>) => void;
}

/** How long an operation runs that a scripted fault lets fail without doing anything, in simulated ms. */
const SCRIPTED_FAILURE_MS = 2_000;

export function startEffect<T>(
  context: ArmContext,
  target: ManagedInstance,
  effect: Effect<T>,
): HttpResponse {
  const startedAt = context.world.clock.now();
  const scripted = context.failure;
  const common = { type: effect.type, name: effect.name, startedAt, result: effect.result };
  if (scripted !== undefined && !scripted.takesEffect) {
    const due = startedAt + SCRIPTED_FAILURE_MS;
    const state = (): OperationState =>
      context.world.clock.now() < due ? { status: 'InProgress' } : { status: 'Failed', error: scripted };
    return accept(context, target, { ...common, state });
  }
  const performed = effect.perform();
  effect.started?.(performed);
  const id = performed.operation.id;
  const current = () => context.world.timeline.get(id) ?? performed.operation;
  const state = (): OperationState => {
    const { status, error } = current();
    if (scripted !== undefined && status !== 'InProgress') return { status: 'Failed', error: scripted };
    return error === undefined ? { status } : { status, error: operationError(error) };
  };
  return accept(context, target, { ...common, state });
}
