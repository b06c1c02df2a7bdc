/** What every handler of the simulated resource manager works with. */

import type { Instance, ManagedInstanceProperties } from '../world/model';
import type { EstateParts } from '../world/world';
import { invalidRequestContent, resourceGroupNotFound, resourceNotFound } from './errors';
import type { HttpRequest, HttpResponse } from './http';
import type { NewOperation, OperationStore } from './operations';
import { compact } from './operations';
import type { Principal } from './principals';
import type { ResourcePath } from './resource-path';

export type JsonObject = Readonly<Record<string, unknown>>;

export interface ArmServices {
  readonly world: EstateParts;
  readonly operations: OperationStore;
}

export interface ArmContext extends ArmServices {
  readonly request: HttpRequest;
  readonly path: ResourcePath;
  /** Lower case. */
  readonly apiVersion: string;
  readonly caller: Principal;
  /** A scripted fault: the request is accepted and its operation ends as Failed with this. */
  readonly failure?: ScriptedFailure;
}

export interface ScriptedFailure {
  readonly code: string;
  readonly message: string;
  /** What was asked for happens all the same. */
  readonly takesEffect: boolean;
}

export interface ManagedInstance {
  readonly instance: Instance;
  readonly managed: ManagedInstanceProperties;
}

export const ok = (body: unknown): HttpResponse => ({ status: 200, headers: {}, body });
export const NO_CONTENT: HttpResponse = { status: 204, headers: {} };

/** Parses the request body. Throws 400 InvalidRequestContent when it is not one JSON object. */
export function jsonBody(context: ArmContext): JsonObject {
  const text = context.request.body.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalidRequestContent(error instanceof Error ? error.message : 'not JSON');
  }
  if (!isObject(value)) throw invalidRequestContent('The request content must be a JSON object');
  return value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Member of a JSON object; the provider reads property names without case. */
export function member(object: JsonObject, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name];
  const key = Object.keys(object).find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : object[key];
}

/** The `properties` of a resource in the body, or undefined when it has none. */
export function bodyProperties(context: ArmContext): JsonObject | undefined {
  const properties = member(jsonBody(context), 'properties');
  return isObject(properties) ? properties : undefined;
}

export const nameAt = (context: ArmContext, index: number): string => context.path.names[index] ?? '';

/** The managed instance that the path names. Throws 404 as ARM does for a missing parent. */
export function managedInstance(context: ArmContext): ManagedInstance {
  const { subscriptionId = '', resourceGroup = '' } = context.path;
  if (!hasResourceGroup(context.world, subscriptionId, resourceGroup))
    throw resourceGroupNotFound(resourceGroup);
  const name = nameAt(context, 0);
  const instance = context.world.instances.byResource(subscriptionId, resourceGroup, name);
  if (instance?.managed === undefined)
    throw resourceNotFound('Microsoft.Sql/managedInstances', name, resourceGroup);
  return { instance, managed: instance.managed };
}

export function managedInstances(world: EstateParts): ManagedInstance[] {
  return world.instances
    .all()
    .flatMap((instance) => (instance.managed === undefined ? [] : [{ instance, managed: instance.managed }]));
}

export const inSubscription = (subscriptionId: string) => (each: ManagedInstance) =>
  same(each.managed.subscriptionId, subscriptionId);

export const inGroup = (resourceGroup: string) => (each: ManagedInstance) =>
  same(each.managed.resourceGroup, resourceGroup);

export function hasResourceGroup(world: EstateParts, subscriptionId: string, group: string): boolean {
  return managedInstances(world).filter(inSubscription(subscriptionId)).some(inGroup(group));
}

/** Starts an operation of `type` on the instance's region and answers 202. */
export function accept(
  context: ArmContext,
  target: ManagedInstance,
  operation: Pick<NewOperation, 'type' | 'name' | 'startedAt' | 'state' | 'result'>,
): HttpResponse {
  // [R] operation URLs of links carry the resource group; the specification's examples for instances do not.
  const scope =
    operation.type === 'managedInstance' || operation.type === 'managedDatabase'
      ? {}
      : { resourceGroup: target.managed.resourceGroup };
  const started = context.operations.start({
    ...operation,
    ...scope,
    subscriptionId: target.managed.subscriptionId,
    location: compact(target.managed.location),
    apiVersion: context.apiVersion,
  });
  return context.operations.accepted(started, context.request);
}

export const same = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();
