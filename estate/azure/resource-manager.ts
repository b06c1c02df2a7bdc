/**
 * The simulated Azure Resource Manager: checks every request in ARM's order (version, subscription, token, limits,
 * permission), then gives it to its handler. The order of ARM's own checks is from observation of its answers to
 * incomplete requests (inferred).
 */
import type { EstateParts } from '../world/world';
import { type ArmContext, inSubscription, managedInstances, nameAt, type ScriptedFailure } from './context';
import * as errors from './errors';
import type { HttpRequest, HttpResponse } from './http';
import { AUDIENCES } from './identity';
import { OperationStore } from './operations';
import { type Directory, isAllowed, type Principal } from './principals';
import { toArmError } from './refusals';
import { parseResourcePath, type ResourcePath, scopeOf } from './resource-path';
import { makeRoutes, type ResourceType, type Route } from './routes';
import { UrlSigner } from './signed-url';
import type { OperationClass, Throttle } from './throttle';
import type { TokenIssuer } from './tokens';
import { isWellFormedVersion, SQL_VERSIONS } from './versions';

export interface ResourceManagerOptions {
  readonly world: EstateParts;
  readonly directory: Directory;
  readonly tokens: TokenIssuer;
  readonly throttle: Throttle;
}

const OPERATION_KEY = /^locations\/\*\/([a-z]+?)(azureasyncoperation|operationresults)\/\*$/;
const WRITES = ['PUT', 'PATCH', 'POST', 'DELETE'];

export class ResourceManager {
  readonly #routes = makeRoutes();
  readonly #operations = new OperationStore(new UrlSigner());

  constructor(private readonly options: ResourceManagerOptions) {}

  /** @param failure a scripted fault for the operation that the request starts. Refusals are answers here. */
  async handle(request: HttpRequest, failure?: ScriptedFailure): Promise<HttpResponse> {
    try {
      return await this.#dispatch(request, failure);
    } catch (error) {
      const refusal = toArmError(error);
      if (refusal === undefined) throw error;
      return { status: refusal.status, headers: refusal.headers, body: refusal.body };
    }
  }

  async #dispatch(request: HttpRequest, failure: ScriptedFailure | undefined): Promise<HttpResponse> {
    const apiVersion = request.query.get('api-version')?.toLowerCase();
    if (apiVersion === undefined || apiVersion === '') throw errors.missingApiVersion();
    const path = parseResourcePath(request.segments);
    if (path === undefined) throw errors.gateway(404, 'NotFound', 'The requested path does not exist.');
    this.#checkSubscription(path);
    const caller = this.#authenticate(request);
    const limits = this.#take(request, path, caller);
    const context = { ...this.options, operations: this.#operations, request, path, apiVersion, caller };
    const response = await this.#answer(failure === undefined ? context : { ...context, failure });
    return { ...response, headers: { ...limits, ...response.headers } };
  }

  async #answer(context: ArmContext): Promise<HttpResponse> {
    const operation = this.#operationPoll(context);
    if (operation !== undefined) return operation;
    const type = this.#resourceType(context);
    const { method } = context.request;
    const route = type.methods[method === 'HEAD' ? 'GET' : method];
    if (route === undefined) throw errors.methodNotAllowed(method);
    checkVersion(context, type, route);
    authorize(context, route.action);
    if (!WRITES.includes(method)) return route.handle(context);
    return this.#journalled(context, () => route.handle(context));
  }

  #journalled(context: ArmContext, action: () => HttpResponse): Promise<HttpResponse> {
    const { request, caller, world } = context;
    const text = `${request.method} ${pathname(request.target)}`;
    return world.journal.run(
      { surface: 'arm', instance: nameAt(context, 0), actor: caller.name, text },
      async () => action(),
    );
  }

  #resourceType(context: ArmContext): ResourceType {
    const { path } = context;
    if (path.namespace !== undefined && path.namespace.toLowerCase() !== 'microsoft.sql')
      throw errors.invalidNamespace(path.namespace);
    const type = this.#routes.get(path.key);
    // Instances can be listed per subscription, but named only inside a resource group.
    const needsGroup = path.key.startsWith('managedinstances/') && path.resourceGroup === undefined;
    if (type === undefined || needsGroup)
      throw errors.invalidResourceType(path.namespace ?? 'Microsoft.Resources', path.types.join('/'));
    return type;
  }

  #operationPoll(context: ArmContext): HttpResponse | undefined {
    const { path, request } = context;
    const match = OPERATION_KEY.exec(path.key);
    if (match === null || path.namespace?.toLowerCase() !== 'microsoft.sql') return undefined;
    if (request.method !== 'GET' && request.method !== 'HEAD') throw errors.methodNotAllowed(request.method);
    const [, type = '', kind] = match;
    const [location = '', id = ''] = path.names;
    if (!SQL_VERSIONS.includes(context.apiVersion))
      throw errors.noRegisteredProvider(`locations/${type}`, location, context.apiVersion, SQL_VERSIONS);
    // The custom role that the link's documentation gives has no action on locations, yet clients with it can poll:
    // the signature (checked below) stands for the permission (inferred). Reading by id alone needs the action.
    if (request.query.get('s') === undefined)
      authorize(context, `Microsoft.Sql/locations/${path.types[1] ?? ''}/read`);
    const operation = { subscriptionId: path.subscriptionId ?? '', location, type, id };
    return kind === 'azureasyncoperation'
      ? this.#operations.status(operation, request)
      : this.#operations.results(operation, request);
  }

  #checkSubscription(path: ResourcePath): void {
    const id = path.subscriptionId;
    if (id === undefined) return;
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) throw errors.invalidSubscriptionId(id);
    if (!managedInstances(this.options.world).some(inSubscription(id))) throw errors.subscriptionNotFound(id);
  }

  #authenticate(request: HttpRequest): Principal {
    const header = request.headers.authorization;
    if (header === undefined)
      throw unauthenticated(
        request,
        'AuthenticationFailed',
        "Authentication failed. The 'Authorization' header is missing.",
      );
    const token = /^bearer +(\S+)$/i.exec(header)?.[1];
    if (token === undefined)
      throw unauthenticated(
        request,
        'AuthenticationFailedInvalidHeader',
        "Authentication failed. The 'Authorization' header is provided in an invalid format.",
      );
    return this.#principalOf(request, token);
  }

  #principalOf(request: HttpRequest, token: string): Principal {
    const audiences = [...AUDIENCES.resourceManager, request.origin];
    const verdict = this.options.tokens.verify(token, audiences);
    switch (verdict.kind) {
      case 'valid': {
        const principal = this.options.directory.byObjectId(verdict.claims.oid);
        if (principal !== undefined) return principal;
        throw unauthenticated(
          request,
          'InvalidAuthenticationToken',
          'The principal of the access token was not found in the directory.',
        );
      }
      case 'expired':
        throw unauthenticated(
          request,
          'ExpiredAuthenticationToken',
          `The access token expiry UTC time '${verdict.expiredAt.toISOString()}' is earlier than current UTC time '${new Date().toISOString()}'.`,
        );
      case 'wrong-audience':
        throw unauthenticated(
          request,
          'InvalidAuthenticationTokenAudience',
          `The access token has been obtained for wrong audience or resource '${verdict.detail}'. It should exactly match with one of the allowed audiences '${audiences.join("','")}'.`,
        );
      case 'malformed':
      case 'bad-signature':
      case 'not-yet-valid':
        throw unauthenticated(request, 'InvalidAuthenticationToken', 'The access token is invalid.');
      default:
        return verdict satisfies never;
    }
  }

  #take(request: HttpRequest, path: ResourcePath, caller: Principal): Record<string, string> {
    const scope = path.subscriptionId ?? `tenant:${caller.tenantId}`;
    return this.options.throttle.take(scope, caller.objectId, classOf(request.method));
  }
}

function classOf(method: string): OperationClass {
  if (method === 'DELETE') return 'deletes';
  return WRITES.includes(method) ? 'writes' : 'reads';
}

function authorize(context: ArmContext, action: string): void {
  const scope = scopeOf(context.path);
  const { caller } = context;
  if (isAllowed(caller, action, scope)) return;
  throw errors.gateway(
    403,
    'AuthorizationFailed',
    `The client '${caller.clientId}' with object id '${caller.objectId}' does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  );
}

function checkVersion(context: ArmContext, type: ResourceType, route: Route): void {
  const { apiVersion, path } = context;
  if (route.versions.includes(apiVersion)) return;
  if (path.namespace === undefined || !isWellFormedVersion(apiVersion))
    throw errors.invalidApiVersion(apiVersion, route.versions);
  const [short = ''] = type.name.split('/').slice(1);
  const kind = type.name.slice(type.name.indexOf('/') + 1) || short;
  const [first] = managedInstances(context.world);
  throw errors.noRegisteredProvider(kind, first?.managed.location ?? '', apiVersion, route.versions);
}

function unauthenticated(request: HttpRequest, code: string, message: string): Error {
  const challenge = `Bearer authorization_uri="${request.origin}/common", error="invalid_token", error_description="${message.replace(/["\\\r\n]/g, "'")}"`;
  return errors.gateway(401, code, message, { 'www-authenticate': challenge });
}

const pathname = (target: string): string => target.split('?', 1)[0] ?? '';
