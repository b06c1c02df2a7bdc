/** managedInstances: reading, changing, failing over, stopping and starting. */
import {
  type ArmContext,
  accept,
  hasResourceGroup,
  inGroup,
  inSubscription,
  jsonBody,
  type ManagedInstance,
  managedInstance,
  managedInstances,
  nameAt,
  ok,
} from './context';
import { ArmError, badRequest, conflict, resourceGroupNotFound } from './errors';
import type { HttpResponse } from './http';
import { type InstanceChange, readInstanceChange } from './instance-body';
import { renderInstance } from './instance-resource';
import type { InstanceRecords } from './instance-settings';
import { running } from './links';
import type { OperationState } from './operations';
import { page } from './paging';

const MINUTE_MS = 60_000;

/** Documented lengths (management operations duration page): within a minute, 5 minutes, an hour. Simulated ms. */
const DURATION_MS = {
  properties: 40_000,
  storage: 4 * MINUTE_MS,
  scale: 45 * MINUTE_MS,
  start: 20 * MINUTE_MS,
  stop: 5 * MINUTE_MS,
} as const;

interface Work {
  readonly name: string;
  readonly friendlyName: string;
  readonly durationMs: number;
  readonly cancellable: boolean;
  readonly change: string;
  readonly finish: () => void;
}

export class InstanceHandlers {
  constructor(private readonly records: InstanceRecords) {}

  list(context: ArmContext): HttpResponse {
    const { subscriptionId = '', resourceGroup } = context.path;
    if (resourceGroup !== undefined && !hasResourceGroup(context.world, subscriptionId, resourceGroup))
      throw resourceGroupNotFound(resourceGroup);
    const own = managedInstances(context.world).filter(inSubscription(subscriptionId));
    const wanted = resourceGroup === undefined ? own : own.filter(inGroup(resourceGroup));
    return page(context.request, wanted, (target) => this.#render(context, target));
  }

  get(context: ArmContext): HttpResponse {
    return ok(this.#render(context, managedInstance(context)));
  }

  patch(context: ArmContext): HttpResponse {
    const target = running(context);
    return this.#update(context, target, readInstanceChange(target, jsonBody(context)));
  }

  /** PUT of an instance that is there updates it; new ones cannot be made here. */
  put(context: ArmContext): HttpResponse {
    const { subscriptionId = '', resourceGroup = '' } = context.path;
    if (!hasResourceGroup(context.world, subscriptionId, resourceGroup))
      throw resourceGroupNotFound(resourceGroup);
    const known = context.world.instances.byResource(subscriptionId, resourceGroup, nameAt(context, 0));
    if (known !== undefined) return this.patch(context);
    throw badRequest(
      'RegionDoesNotAllowProvisioning',
      'Provisioning of new managed instances is restricted in this region of the simulated estate.',
    );
  }

  /** The estate's instances are held by its scenario: ARM's answer for a resource under a lock. */
  delete(context: ArmContext): HttpResponse {
    const { managed } = managedInstance(context);
    throw conflict(
      'ScopeLocked',
      `The scope '${managed.resourceId}' cannot perform delete operation because following scope(s) are locked: '${managed.resourceId}'. Please remove the lock and try again.`,
    );
  }

  /** POST failover: the instance moves to another node; GP comes back within 2 minutes, BC within 20 s. */
  failover(context: ArmContext): HttpResponse {
    const target = running(context);
    const replica = context.request.query.get('replicaType') ?? 'Primary';
    if (replica !== 'Primary' && replica !== 'ReadableSecondary')
      throw badRequest('InvalidParameterValue', 'Invalid value given for parameter replicaType.');
    if (replica === 'ReadableSecondary' && target.managed.tier === 'GeneralPurpose')
      throw badRequest(
        'InvalidReplicaTypeForServiceTier',
        'A readable secondary exists only in the Business Critical service tier.',
      );
    const down = target.managed.tier === 'BusinessCritical' ? 20_000 : 60_000;
    if (replica === 'Primary' && context.failure?.takesEffect !== false)
      context.world.instances.restart(target.instance.name, down);
    return this.#start(context, target, {
      name: 'FailoverManagedInstance',
      friendlyName: 'FAILOVER MANAGED INSTANCE',
      durationMs: down,
      cancellable: false,
      change: `fail over managed instance ${target.instance.name}`,
      finish: () => undefined,
    });
  }

  stop(context: ArmContext): HttpResponse {
    const target = running(context);
    return this.#start(context, target, {
      name: 'StopManagedInstance',
      friendlyName: 'STOP MANAGED INSTANCE',
      durationMs: DURATION_MS.stop,
      cancellable: false,
      change: `stop managed instance ${target.instance.name}`,
      finish: () => context.world.instances.stop(target.instance.name),
    });
  }

  start(context: ArmContext): HttpResponse {
    const target = managedInstance(context);
    if (target.instance.state === 'running')
      throw badRequest('ManagedInstanceNotStopped', 'The managed instance is not stopped.');
    return this.#start(context, target, {
      name: 'StartManagedInstance',
      friendlyName: 'START MANAGED INSTANCE',
      durationMs: DURATION_MS.start,
      cancellable: false,
      change: `start managed instance ${target.instance.name}`,
      finish: () => context.world.instances.start(target.instance.name),
    });
  }

  #update(context: ArmContext, target: ManagedInstance, change: InstanceChange): HttpResponse {
    const { scale } = change;
    const large =
      scale.vCores !== undefined || scale.tier !== undefined || scale.databaseFormat !== undefined;
    const storage = scale.storageSizeInGB !== undefined ? DURATION_MS.storage : DURATION_MS.properties;
    return this.#start(context, target, {
      name: 'UpsertManagedServer',
      friendlyName: 'UPDATE MANAGED SERVER',
      durationMs: large ? DURATION_MS.scale : storage,
      cancellable: large,
      change: `update managed instance ${target.instance.name}`,
      finish: () => {
        this.records.change(target, change.settings);
        if (Object.keys(scale).length > 0) context.world.instances.updateManaged(target.instance.name, scale);
      },
    });
  }

  #start(context: ArmContext, target: ManagedInstance, work: Work): HttpResponse {
    this.#refuseWhileBusy(target);
    const { clock, journal } = context.world;
    const startedAt = clock.now();
    let current: OperationState = { status: 'InProgress' };
    const scripted = context.failure;
    if (scripted?.takesEffect !== false) journal.mark(work.change);
    const timer = clock.after(work.durationMs, () => {
      if (scripted?.takesEffect !== false) work.finish();
      current = scripted === undefined ? { status: 'Succeeded' } : { status: 'Failed', error: scripted };
    });
    const state = (): OperationState => current;
    this.records.track({
      instance: target.instance.name,
      operation: work.name,
      friendlyName: work.friendlyName,
      startedAt,
      expectedEnd: startedAt + work.durationMs,
      cancellable: work.cancellable,
      state,
      cancel: () => {
        timer.cancel();
        current = {
          status: 'Canceled',
          error: { code: 'OperationCancelled', message: 'The operation has been cancelled by user.' },
        };
      },
    });
    return accept(context, target, {
      type: 'managedInstance',
      name: work.name,
      startedAt,
      state,
      result: () => this.get(context),
    });
  }

  #refuseWhileBusy(target: ManagedInstance): void {
    const busy = this.records.operations(target).some((each) => each.state().status === 'InProgress');
    if (busy)
      throw new ArmError(
        409,
        'ConflictingServerOperation',
        `An operation is currently in progress for the server '${target.instance.name}'. Please wait a few minutes before trying again.`,
      );
  }

  #render(context: ArmContext, target: ManagedInstance): unknown {
    const updating = this.records.operations(target).some((each) => each.state().status === 'InProgress');
    return renderInstance(target, this.records.settings(target), updating, context.apiVersion);
  }
}
