/** One managed instance through Azure Resource Manager. */

import type { ArmRequest } from '../../model/arm-request';
import type { AzureAccess } from '../../model/inventory';
import type { ManagedInstanceFacts } from '../../model/sql-server/observation';
import type { Clock } from '../../ports/clock';
import { AzureFailure } from '../../ports/failures';
import type { ManagedInstancePort, OperationProgress, SealedOperation } from '../../ports/managed-instance';
import type { Transports } from '../transports';
import { type Answer, type ArmClient, createArmClient } from './arm-client';
import type { TokenCredential } from './credential';
import {
  decodeInstance,
  decodeLink,
  decodePage,
  decodePublicBlob,
  decodeTrustCertificate,
  nameOf,
} from './decode';
import { prepareChange, READS, type Read } from './operations';
import { afterBegin, afterPoll, pollDelay, type Step } from './progress';
import { type InstanceResource, parseInstanceResource } from './resource-id';
import { type StateKey, seal, unseal } from './sealing';

export interface ManagedInstanceAddress {
  readonly resourceId: string;
  readonly azure: AzureAccess;
}

export interface ManagedInstanceDependencies {
  /** From createCredential; shared by all ports. */
  readonly credential: TokenCredential;
  readonly clock: Clock;
  /** Seals and opens the state of operations; the first seals, all open. */
  readonly stateKeys: readonly [StateKey, ...StateKey[]];
  /** Milliseconds between polls where Azure does not say (Microsoft.Sql sends no Retry-After); default 0: as the caller likes. */
  readonly pollMs?: number;
  /** In place of the network. */
  readonly httpClient?: Transports['httpClient'] | undefined;
}

/** @throws Error when the resource id is none; SettingFailure when the CA file cannot be read. */
export async function createManagedInstancePort(
  { resourceId, azure }: ManagedInstanceAddress,
  dependencies: ManagedInstanceDependencies,
): Promise<ManagedInstancePort> {
  const instance = parseInstanceResource(resourceId);
  const client = await createArmClient({
    subscriptionId: instance.subscriptionId,
    azure,
    credential: dependencies.credential,
    clock: dependencies.clock,
    httpClient: dependencies.httpClient,
  });
  return new ArmManagedInstance(instance, client, dependencies);
}

class ArmManagedInstance implements ManagedInstancePort {
  readonly name: string;

  constructor(
    private readonly instance: InstanceResource,
    private readonly client: ArmClient,
    private readonly dependencies: ManagedInstanceDependencies,
  ) {
    this.name = instance.managedInstanceName;
  }

  async readInstance(signal?: AbortSignal): Promise<ManagedInstanceFacts> {
    const observedAt = this.#now();
    const [resource, databases, links] = await Promise.all([
      this.#read('read-instance', {}, signal),
      this.#list('list-databases', {}, signal),
      this.#list('list-links', {}, signal),
    ]);
    const failoverGroups = await this.#failoverGroups(resource.body, signal);
    const distributedGroupNames = links.map((link) => nameOf(link));
    return decodeInstance(resource.body, this.instance, {
      observedAt,
      distributedGroupNames,
      databases,
      failoverGroups,
    });
  }

  async readLink(linkName: string, signal?: AbortSignal) {
    const observedAt = this.#now();
    try {
      const { body } = await this.#read('read-link', { name: linkName }, signal);
      return decodeLink(body, linkName, observedAt);
    } catch (error) {
      if (isAbsent(error, this.name)) return undefined;
      throw error;
    }
  }

  async readTrustCertificates(signal?: AbortSignal) {
    return (await this.#list('list-trust-certificates', {}, signal)).map(decodeTrustCertificate);
  }

  async readEndpointCertificate(signal?: AbortSignal): Promise<string> {
    const { body } = await this.#read('read-endpoint-certificate', { name: 'DATABASE_MIRRORING' }, signal);
    const blob = decodePublicBlob(body);
    if (blob !== undefined) return blob;
    throw unexpected('read-endpoint-certificate', 'Azure gave no public key of the mirroring endpoint');
  }

  async begin(request: ArmRequest, signal?: AbortSignal): Promise<OperationProgress> {
    const { spec, parameters } = prepareChange(request);
    const answer = await this.client.change(
      request.operation,
      spec,
      { ...this.instance, ...parameters },
      signal,
    );
    return this.#progress(afterBegin(request.operation, answer), answer);
  }

  async poll(operation: SealedOperation, signal?: AbortSignal): Promise<OperationProgress> {
    const unsealed = unseal(operation, this.dependencies.stateKeys, this.instance.resourceId);
    if (unsealed.opened === undefined) return { status: 'lost', reason: unsealed.reason };
    const state = unsealed.opened;
    try {
      const answer = await this.client.follow(`poll-${state.operation}`, state.url, signal);
      return this.#progress(afterPoll(state, answer), answer);
    } catch (error) {
      return afterRefusedPoll(error, state.mode);
    }
  }

  #progress(step: Step, answer: Answer): OperationProgress {
    if (step.status !== 'running') return step;
    const [key] = this.dependencies.stateKeys;
    return {
      status: 'running',
      operation: seal(step.state, key, this.instance.resourceId),
      detail: step.detail,
      retryAfterMs: pollDelay(answer, this.dependencies.clock.now(), this.dependencies.pollMs ?? 0),
    };
  }

  #read(read: Read, parameters: object, signal?: AbortSignal): Promise<Answer> {
    return this.client.read(read, READS[read], { ...this.instance, ...parameters }, signal);
  }

  async #list(read: Read, parameters: object, signal?: AbortSignal): Promise<readonly unknown[]> {
    let page = decodePage((await this.#read(read, parameters, signal)).body);
    const items = [...page.items];
    while (page.nextLink !== undefined) {
      page = decodePage((await this.client.follow(read, page.nextLink, signal)).body);
      items.push(...page.items);
    }
    return items;
  }

  /** @returns undefined where this principal may not list them, or the region has no such resource. */
  async #failoverGroups(resource: unknown, signal?: AbortSignal): Promise<readonly unknown[] | undefined> {
    const { location } = decodeInstance(resource, this.instance, NOTHING_AROUND);
    if (location === '') return undefined;
    try {
      return await this.#list('list-failover-groups', { location }, signal);
    } catch (error) {
      if (error instanceof AzureFailure && (error.status === 403 || error.status === 404)) return undefined;
      throw error;
    }
  }

  #now(): string {
    return new Date(this.dependencies.clock.now()).toISOString();
  }
}

const NOTHING_AROUND = {
  observedAt: '',
  distributedGroupNames: [],
  databases: [],
  failoverGroups: undefined,
} as const;

/**
 * Whether the link itself is missing. A missing instance, group or subscription is 404 too, but the answer to another
 * question: ARM's message names the instance then (recorded), and its codes differ.
 */
function isAbsent(error: unknown, instanceName: string): boolean {
  if (!(error instanceof AzureFailure) || error.status !== 404) return false;
  const parentIsMissing = /^(ResourceGroup|Subscription|ParentResource)NotFound$|^InvalidResource/;
  if (parentIsMissing.test(error.code ?? '')) return false;
  const instance = `'Microsoft.Sql/managedInstances/${instanceName}'`.toLowerCase();
  return !error.message.toLowerCase().includes(instance);
}

/**
 * A status URL that Azure does not know any more: lost. A Location URL gives the operation's own failure as the answer's
 * error, so a refusal there is the end of the operation.
 */
function afterRefusedPoll(error: unknown, mode: 'status' | 'location'): OperationProgress {
  if (!(error instanceof AzureFailure) || error.status === undefined) throw error;
  if (error.status === 404 && (mode === 'status' || error.code === 'OperationIdNotFound'))
    return { status: 'lost', reason: 'Azure does not know the operation any more (OperationIdNotFound)' };
  const isFinal =
    error.status >= 400 && error.status < 500 && error.transport === undefined && error.status !== 408;
  if (mode === 'location' && isFinal)
    return { status: 'failed', code: error.code ?? `Http${error.status}`, message: error.message };
  throw error;
}

const unexpected = (operation: string, message: string): AzureFailure =>
  new AzureFailure(operation, 200, undefined, undefined, undefined, `${operation}: ${message}`);
