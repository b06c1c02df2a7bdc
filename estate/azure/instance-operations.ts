/** managedInstances/{mi}/operations: the history of management operations, and how to cancel one. */
import { type ArmContext, managedInstance, nameAt, ok } from './context';
import { ArmError, operationNotFound } from './errors';
import type { HttpResponse } from './http';
import type { InstanceRecords, ManagementOperation } from './instance-settings';
import { instant } from './operations';
import { page } from './paging';

/** Steps of an update, as in the specification's GetManagedInstanceOperation example. */
const STEPS = [
  'Request validation',
  'Virtual Cluster resize/creation',
  'New SQL Instance Startup',
  'Seeding database files',
  'Preparing Failover and Failover',
  'Old SQL Instance cleanup',
] as const;

export class InstanceOperationHandlers {
  constructor(private readonly records: InstanceRecords) {}

  list(context: ArmContext): HttpResponse {
    const target = managedInstance(context);
    return page(context.request, this.records.operations(target), (each) => render(context, each));
  }

  get(context: ArmContext): HttpResponse {
    return ok(render(context, this.#require(context)));
  }

  cancel(context: ArmContext): HttpResponse {
    const operation = this.#require(context);
    if (!operation.cancellable || operation.state().status !== 'InProgress')
      throw new ArmError(
        409,
        'CannotCancelOperation',
        'The management operation is in a state that cannot be cancelled.',
      );
    operation.cancel();
    context.world.journal.mark(`cancel ${operation.friendlyName} on ${operation.instance}`);
    return { status: 200, headers: {} };
  }

  #require(context: ArmContext): ManagementOperation {
    const id = nameAt(context, 1).toLowerCase();
    const found = this.records.operations(managedInstance(context)).find((each) => each.id === id);
    if (found === undefined) throw operationNotFound(nameAt(context, 1));
    return found;
  }
}

function render(context: ArmContext, operation: ManagementOperation): unknown {
  const { managed } = managedInstance(context);
  const { status, error } = operation.state();
  const share = progress(context, operation);
  return {
    properties: {
      managedInstanceName: operation.instance,
      operation: operation.operation,
      operationFriendlyName: operation.friendlyName,
      percentComplete: Math.floor(share * 100),
      startTime: instant(operation.startedAt),
      state: status === 'Canceled' ? 'Cancelled' : status,
      ...(error === undefined ? {} : { errorDescription: error.message, isUserError: false }),
      estimatedCompletionTime: instant(operation.expectedEnd),
      isCancellable: operation.cancellable && status === 'InProgress',
      operationSteps: steps(share, status !== 'InProgress'),
    },
    id: `${managed.resourceId}/operations/${operation.id}`,
    name: operation.id,
    type: 'Microsoft.Sql/managedInstances/operations',
  };
}

function progress(context: ArmContext, operation: ManagementOperation): number {
  if (operation.state().status === 'Succeeded') return 1;
  const length = Math.max(1, operation.expectedEnd - operation.startedAt);
  return Math.min(0.99, (context.world.clock.now() - operation.startedAt) / length);
}

function steps(share: number, ended: boolean): unknown {
  const current = Math.min(STEPS.length, Math.floor(share * STEPS.length) + 1);
  const status = (order: number): string => {
    if (order < current || (ended && share === 1)) return 'Completed';
    if (order > current) return 'NotStarted';
    return ended ? 'Canceled' : 'InProgress';
  };
  return {
    totalSteps: String(STEPS.length),
    currentStep: current,
    stepsList: STEPS.map((name, index) => ({ order: index + 1, name, status: status(index + 1) })),
  };
}
