/**
 * Errors as Azure Resource Manager and Microsoft.Sql send them: `{"error":{"code","message"}}`.
 * Codes are the ones of the Microsoft.Sql specification (DistributedAvailabilityGroups.json) and of ARM itself;
 * messages marked [R] were recorded from the service, the others are paraphrased from documentation.
 */
import { ArmRefusal } from '../world/model';

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
}

/** A refusal as it goes over the wire: the world's own kind (so that its journal reads the code), with headers. */
export class ArmError extends ArmRefusal {
  constructor(
    status: number,
    code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(status, code, message);
  }

  get body(): { error: ErrorBody } {
    return { error: { code: this.code, message: this.message } };
  }
}

/** Refusals that ARM makes itself, before the resource provider is asked, carry this header [R]. */
const BY_GATEWAY = { 'x-ms-failure-cause': 'gateway' } as const;

export const gateway = (
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): ArmError => new ArmError(status, code, message, { ...BY_GATEWAY, ...headers });

export const subscriptionNotFound = (id: string): ArmError =>
  gateway(404, 'SubscriptionNotFound', `The subscription '${id}' could not be found.`);

export const invalidSubscriptionId = (id: string): ArmError =>
  gateway(
    400,
    'InvalidSubscriptionId',
    `The provided subscription identifier '${id}' is malformed or invalid.`,
  );

export const resourceGroupNotFound = (name: string): ArmError =>
  gateway(404, 'ResourceGroupNotFound', `Resource group '${name}' could not be found.`);

/** [R] an unknown parent resource is refused by ARM with exactly this message. */
export const resourceNotFound = (type: string, name: string, group: string): ArmError =>
  gateway(
    404,
    'ResourceNotFound',
    `The Resource '${type}/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );

/** An unknown child of an instance is refused by the provider, not by ARM (no x-ms-failure-cause; inferred). */
export const childNotFound = (type: string, name: string): ArmError =>
  new ArmError(
    404,
    'ResourceNotFound',
    `The requested resource of type '${type}' with name '${name}' was not found.`,
  );

export const databaseNotFound = (name: string): ArmError =>
  new ArmError(404, 'DatabaseDoesNotExist', `Database '${name}' does not exist.`);

export const operationNotFound = (id: string): ArmError =>
  new ArmError(404, 'OperationIdNotFound', `The operation with Id '${id}' does not exist.`);

export const missingApiVersion = (): ArmError =>
  gateway(
    400,
    'MissingApiVersionParameter',
    'The api-version query parameter (?api-version=) is required for all requests.',
  );

export const invalidApiVersion = (given: string, supported: readonly string[]): ArmError =>
  gateway(
    400,
    'InvalidApiVersionParameter',
    `The api-version '${given}' is invalid. The supported versions are '${supported.join(',')}'.`,
  );

export const noRegisteredProvider = (
  type: string,
  location: string,
  given: string,
  supported: readonly string[],
): ArmError =>
  gateway(
    400,
    'NoRegisteredProviderFound',
    `No registered resource provider found for location '${location}' and API version '${given}' for type '${type}'. The supported api-versions are '${supported.join(', ')}'.`,
  );

export const invalidResourceType = (namespace: string, type: string): ArmError =>
  gateway(
    404,
    'InvalidResourceType',
    `The resource type '${type}' could not be found in the namespace '${namespace}'.`,
  );

export const invalidNamespace = (namespace: string): ArmError =>
  gateway(404, 'InvalidResourceNamespace', `The resource namespace '${namespace}' is invalid.`);

export const methodNotAllowed = (method: string): ArmError =>
  gateway(405, 'MethodNotAllowed', `The HTTP method '${method}' is not supported at scope.`, {});

export const invalidRequestContent = (detail: string): ArmError =>
  gateway(
    400,
    'InvalidRequestContent',
    `The request content was invalid and could not be deserialized: '${detail}'.`,
  );

/** [R] for parameter `SourceEndpoint`; the same sentence is used for other parameters (inferred). */
export const invalidParameterValue = (parameter: string): ArmError =>
  new ArmError(
    400,
    'InvalidParameterValue',
    `Invalid value given for parameter ${parameter}. Specify a valid parameter value.`,
  );

export const badRequest = (code: string, message: string): ArmError => new ArmError(400, code, message);
export const conflict = (code: string, message: string): ArmError => new ArmError(409, code, message);
