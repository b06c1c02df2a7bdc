/**
 * Long-running operations as Microsoft.Sql answers them (recorded traffic of the Azure CLI): 202 with
 * `{"operation","startTime"}`, both `Azure-AsyncOperation` and `Location`, no Retry-After. Polling the first always
 * answers 200 with a status; the second 202 while it runs, then the resource or its absence.
 */
import { randomUUID } from 'node:crypto';
import { ArmError, operationNotFound } from './errors';
import type { HttpRequest, HttpResponse } from './http';
import type { UrlSigner } from './signed-url';

export type OperationStatus = 'InProgress' | 'Succeeded' | 'Failed' | 'Canceled';

export interface OperationState {
  readonly status: OperationStatus;
  readonly error?: { readonly code: string; readonly message: string; readonly status?: number };
}

export interface NewOperation {
  /** Resource type in operation URLs: `distributedAvailabilityGroups`, `managedInstance` ... */
  readonly type: string;
  /** Name in the 202 body: `DistributedAvailabilityGroupsLinkFailover` ... */
  readonly name: string;
  readonly subscriptionId: string;
  /** Present in the operation URLs of link and certificate operations [R]. */
  readonly resourceGroup?: string;
  readonly location: string;
  readonly apiVersion: string;
  /** Simulated Unix milliseconds. */
  readonly startedAt: number;
  /** Read at every poll: the world's clock drives it. */
  readonly state: () => OperationState;
  /** Answer of the Location URL after success. */
  readonly result: () => HttpResponse;
}

export interface Operation extends NewOperation {
  readonly id: string;
}

/** Operations stay readable for long on the service; the estate forgets the oldest beyond this many. */
const KEPT_OPERATIONS = 20_000;

export class OperationStore {
  readonly #operations = new Map<string, Operation>();

  constructor(private readonly signer: UrlSigner) {}

  start(operation: NewOperation): Operation {
    const started = { ...operation, id: randomUUID() };
    this.#operations.set(started.id, started);
    const [oldest] = this.#operations.keys();
    if (this.#operations.size > KEPT_OPERATIONS && oldest !== undefined) this.#operations.delete(oldest);
    return started;
  }

  /** The 202 that accepts `operation`. */
  accepted(operation: Operation, request: HttpRequest): HttpResponse {
    return {
      status: 202,
      headers: {
        'azure-asyncoperation': this.#url(operation, 'AzureAsyncOperation', request.origin),
        location: this.#url(operation, 'OperationResults', request.origin),
      },
      body: { operation: operation.name, startTime: instant(operation.startedAt) },
    };
  }

  /** GET of an `Azure-AsyncOperation` URL. */
  status(path: OperationPath, request: HttpRequest): HttpResponse {
    const operation = this.#find(path, request);
    const { status, error } = operation.state();
    const body = {
      name: operation.id,
      status,
      startTime: instant(operation.startedAt),
      ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
    };
    return { status: 200, headers: {}, body };
  }

  /** GET of a `Location` URL. */
  results(path: OperationPath, request: HttpRequest): HttpResponse {
    const operation = this.#find(path, request);
    const { status, error } = operation.state();
    switch (status) {
      case 'InProgress':
        return {
          ...this.accepted(operation, request),
          // Polled with the URL of a Location header: the same URL is to be polled again.
          headers: { location: this.#url(operation, 'OperationResults', request.origin) },
        };
      case 'Succeeded':
        return operation.result();
      case 'Failed':
      case 'Canceled':
        // Not documented for links; DOC-ASYNC: the operation's own error as a failed request (inferred).
        throw new ArmError(
          error?.status ?? 409,
          error?.code ?? 'OperationCancelled',
          error?.message ?? 'The operation has been cancelled by user.',
        );
      default:
        return status satisfies never;
    }
  }

  #find(path: OperationPath, request: HttpRequest): Operation {
    const operation = this.#operations.get(path.id.toLowerCase());
    const known =
      operation !== undefined &&
      same(operation.subscriptionId, path.subscriptionId) &&
      same(operation.type, path.type) &&
      same(operation.location, compact(path.location));
    if (!known) throw operationNotFound(path.id);
    this.signer.check(pathname(request.target), request.query);
    return operation;
  }

  #url(operation: Operation, kind: 'AzureAsyncOperation' | 'OperationResults', origin: string): string {
    const group =
      operation.resourceGroup === undefined
        ? ''
        : `/resourceGroups/${encodeURIComponent(operation.resourceGroup)}`;
    const path = `/subscriptions/${operation.subscriptionId}${group}/providers/Microsoft.Sql/locations/${operation.location}/${operation.type}${kind}/${operation.id}`;
    return `${origin}${path}?${this.signer.query(path, operation.apiVersion)}`;
  }
}

export interface OperationPath {
  readonly subscriptionId: string;
  readonly location: string;
  /** Without the AzureAsyncOperation / OperationResults ending. */
  readonly type: string;
  readonly id: string;
}

/** `West Europe` and `westeurope` name the same region. */
export const compact = (location: string): string => location.replace(/\s+/g, '').toLowerCase();

/** RFC 3339 in UTC, as ARM writes times. */
export const instant = (ms: number): string => new Date(ms).toISOString();

const same = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();

const pathname = (target: string): string => target.split('?', 1)[0] ?? '';
