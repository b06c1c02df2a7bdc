/** managedInstances/{mi}/distributedAvailabilityGroups: the Managed Instance link. */
import type { ArmOperation } from '../world/api';
import type { Link } from '../world/model';
import {
  type ArmContext,
  type ManagedInstance,
  managedInstance,
  NO_CONTENT,
  nameAt,
  ok,
  same,
} from './context';
import { startEffect } from './effects';
import { badRequest, childNotFound, conflict } from './errors';
import type { HttpResponse } from './http';
import { readFailoverType, readLinkRequest, readLinkUpdate, readRoleChange } from './link-body';
import { renderLink } from './link-resource';
import { page } from './paging';

const OPERATION_TYPE = 'distributedAvailabilityGroups';
const RESOURCE_TYPE = 'Microsoft.Sql/managedInstances/distributedAvailabilityGroups';

/** Links per instance on General Purpose and Business Critical (link overview page). */
const MAX_LINKS = 100;

/** [R] databases were absent when the PUT had succeeded and listed 6 s later. Simulated ms. */
const DATABASES_APPEAR_MS = 5_000;

type LinkAction = 'create' | 'update' | 'delete' | 'failover' | 'set-role';

interface Running {
  readonly action: LinkAction;
  readonly performed: ArmOperation<unknown>;
}

export class LinkHandlers {
  /** Latest operation of each link, by `instance/link` in lower case. */
  readonly #latest = new Map<string, Running>();
  /** Operation that created the link with this id. */
  readonly #creations = new Map<string, ArmOperation<unknown>>();

  list(context: ArmContext): HttpResponse {
    const target = managedInstance(context);
    const links = context.world.links.list(target.instance.name);
    return page(context.request, links, (link) => this.#render(context, target, link));
  }

  get(context: ArmContext): HttpResponse {
    const target = managedInstance(context);
    return ok(this.#render(context, target, this.#require(context, target)));
  }

  put(context: ArmContext): HttpResponse {
    const target = running(context);
    const name = nameAt(context, 1);
    const request = readLinkRequest(context, name);
    this.#refuseWhile(context, target, ['delete', 'failover', 'set-role']);
    const { links } = context.world;
    const isNew = links.get(target.instance.name, name) === undefined;
    // No code of the specification names the number of links; each link brings a database (inferred).
    if (isNew && links.list(target.instance.name).length >= MAX_LINKS)
      throw badRequest(
        'DatabaseNumberLimitReached',
        `The managed instance has reached its limit of ${MAX_LINKS} links.`,
      );
    const operationName =
      request.instanceLinkRole === 'Primary'
        ? 'DistributedAvailabilityGroupsLinkCreateFromMI'
        : 'DistributedAvailabilityGroupsLinkCreate';
    return this.#start(context, target, 'create', operationName, () =>
      links.put(target.instance.name, request),
    );
  }

  patch(context: ArmContext): HttpResponse {
    const target = running(context);
    const link = this.#require(context, target);
    const update = readLinkUpdate(context, link.databaseName);
    this.#refuseWhile(context, target, ['delete', 'failover', 'set-role', 'update']);
    // The operation names of PATCH and setRole were never recorded (inferred from the others).
    return this.#start(context, target, 'update', 'DistributedAvailabilityGroupsLinkUpdate', () =>
      context.world.links.update(
        target.instance.name,
        link.name,
        update.replicationMode ?? link.replicationMode,
      ),
    );
  }

  /** [R] accepted with 202 also for a link that is not there. A creation under way may be given up by this. */
  delete(context: ArmContext): HttpResponse {
    const target = running(context);
    this.#refuseWhile(context, target, ['failover', 'set-role']);
    return this.#start(context, target, 'delete', 'DistributedAvailabilityGroupsDropLink', () =>
      context.world.links.delete(target.instance.name, nameAt(context, 1)),
    );
  }

  failover(context: ArmContext): HttpResponse {
    const target = running(context);
    const link = this.#require(context, target);
    const type = readFailoverType(context);
    // [R] this code is not in the specification, it was recorded from the service.
    if (type === 'Planned' && link.instanceLinkRole === 'Secondary')
      throw badRequest(
        'InvalidDistributedAvailabilityGroupFailoverInstanceRole',
        'Planned failover can be executed on a link in the primary role only. Current state of the specified link is secondary.',
      );
    this.#refuseWhile(context, target, ['create', 'update', 'delete', 'failover', 'set-role']);
    return this.#start(context, target, 'failover', 'DistributedAvailabilityGroupsLinkFailover', () =>
      context.world.links.failover(target.instance.name, link.name, type),
    );
  }

  setRole(context: ArmContext): HttpResponse {
    const target = running(context);
    const link = this.#require(context, target);
    const { instanceRole, roleChangeType } = readRoleChange(context);
    if (instanceRole === link.instanceLinkRole && !link.splitBrain)
      throw conflict(
        'DistributedAvailabilityGroupSetRoleInstanceAlreadyInRequestedRole',
        `The managed instance is already in the role '${instanceRole}' of the link.`,
      );
    if (instanceRole === 'Primary' && roleChangeType === 'Planned')
      throw conflict(
        'DistributedAvailabilityGroupSetRolePrimaryPlannedNotSupported',
        'Planned change of the instance role to primary is not supported.',
      );
    this.#refuseWhile(context, target, ['create', 'update', 'delete', 'failover', 'set-role']);
    return this.#start(context, target, 'set-role', 'DistributedAvailabilityGroupsLinkSetRole', () =>
      context.world.links.setRole(target.instance.name, link.name, instanceRole, roleChangeType),
    );
  }

  #start(
    context: ArmContext,
    target: ManagedInstance,
    action: LinkAction,
    name: string,
    perform: () => ArmOperation<unknown>,
  ): HttpResponse {
    return startEffect(context, target, {
      type: OPERATION_TYPE,
      name,
      perform,
      result: () => (action === 'delete' ? NO_CONTENT : this.get(context)),
      started: (performed) => this.#remember(context, target, { action, performed }),
    });
  }

  #remember(context: ArmContext, target: ManagedInstance, operation: Running): void {
    this.#latest.set(this.#key(context, target), operation);
    const link = context.world.links.get(target.instance.name, nameAt(context, 1));
    if (operation.action === 'create' && link !== undefined && operation.performed.effective)
      this.#creations.set(link.id, operation.performed);
  }

  /** @throws ArmError 409 while one of these actions runs on the link. */
  #refuseWhile(context: ArmContext, target: ManagedInstance, actions: readonly LinkAction[]): void {
    const latest = this.#latest.get(this.#key(context, target));
    if (latest === undefined || !actions.includes(latest.action)) return;
    const id = latest.performed.operation.id;
    const { status } = context.world.timeline.get(id) ?? latest.performed.operation;
    if (status !== 'InProgress') return;
    if (latest.action === 'failover' || latest.action === 'set-role')
      throw conflict(
        'DistributedAvailabilityGroupSetRoleChangeRoleAlreadyInProgress',
        'A previous role change of the link is still in progress.',
      );
    throw conflict(
      'ConflictingServerOperation',
      `An operation is currently in progress for the link '${nameAt(context, 1)}'. Wait until it has finished.`,
    );
  }

  #render(context: ArmContext, target: ManagedInstance, link: Link): unknown {
    return renderLink(
      context.world,
      { link, target, databasesVisible: this.#databasesVisible(context, link) },
      context.apiVersion,
    );
  }

  #databasesVisible(context: ArmContext, link: Link): boolean {
    const creation = this.#creations.get(link.id);
    // Links of the scenario, and links with an error to show, have no such moment; what leads is there already.
    if (creation === undefined || link.mostRecentError !== undefined) return true;
    if (link.initialPrimary === 'instance') return true;
    const { endedAt } = context.world.timeline.get(creation.operation.id) ?? creation.operation;
    return endedAt !== undefined && context.world.clock.now() >= endedAt + DATABASES_APPEAR_MS;
  }

  #require(context: ArmContext, target: ManagedInstance): Link {
    const name = nameAt(context, 1);
    const link = context.world.links.get(target.instance.name, name);
    if (link === undefined || !same(link.name, name)) throw childNotFound(RESOURCE_TYPE, name);
    return link;
  }

  #key(context: ArmContext, target: ManagedInstance): string {
    return `${target.instance.name}/${nameAt(context, 1)}`.toLowerCase();
  }
}

/** The instance of a request that changes something. @throws ArmError 400 while it is stopped. */
export function running(context: ArmContext): ManagedInstance {
  const target = managedInstance(context);
  if (target.instance.state !== 'running')
    throw badRequest(
      'ManagedInstanceStoppingOrStopped',
      `The operation cannot be completed: the managed instance '${target.instance.name}' is stopping or stopped.`,
    );
  return target;
}
