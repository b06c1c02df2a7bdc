/** Subscriptions, resource groups and the registration of Microsoft.Sql, as far as tools look at them. */
import { type ArmContext, inGroup, inSubscription, managedInstances, ok, same } from './context';
import { resourceGroupNotFound } from './errors';
import type { HttpResponse } from './http';
import { page } from './paging';
import { LINK_VERSIONS, SQL_VERSIONS } from './versions';

export function listSubscriptions(context: ArmContext): HttpResponse {
  const ids = managedInstances(context.world).map(({ managed }) => managed.subscriptionId);
  return page(context.request, unique(ids), (id) => renderSubscription(context, id));
}

export const getSubscription = (context: ArmContext): HttpResponse =>
  ok(renderSubscription(context, context.path.subscriptionId ?? ''));

function renderSubscription(context: ArmContext, id: string): unknown {
  return {
    id: `/subscriptions/${id}`,
    authorizationSource: 'RoleBased',
    managedByTenants: [],
    subscriptionId: id,
    tenantId: context.caller.tenantId,
    displayName: 'Simulated estate',
    state: 'Enabled',
    subscriptionPolicies: {
      locationPlacementId: 'Public_2014-09-01',
      quotaId: 'EnterpriseAgreement_2014-09-01',
      spendingLimit: 'Off',
    },
  };
}

export function listGroups(context: ArmContext): HttpResponse {
  const groups = groupsOf(context);
  return page(context.request, groups, (group) => renderGroup(context, group));
}

export function getGroup(context: ArmContext): HttpResponse {
  const wanted = context.path.resourceGroup ?? '';
  const group = groupsOf(context).find((each) => same(each, wanted));
  if (group === undefined) throw resourceGroupNotFound(wanted);
  return ok(renderGroup(context, group));
}

function groupsOf(context: ArmContext): string[] {
  const within = inSubscription(context.path.subscriptionId ?? '');
  return unique(
    managedInstances(context.world)
      .filter(within)
      .map(({ managed }) => managed.resourceGroup),
  );
}

function renderGroup(context: ArmContext, name: string): unknown {
  const { subscriptionId = '' } = context.path;
  const [first] = managedInstances(context.world)
    .filter(inSubscription(subscriptionId))
    .filter(inGroup(name));
  return {
    id: `/subscriptions/${subscriptionId}/resourceGroups/${name}`,
    name,
    type: 'Microsoft.Resources/resourceGroups',
    location: first?.managed.location ?? '',
    properties: { provisioningState: 'Succeeded' },
  };
}

export const listProviders = (context: ArmContext): HttpResponse => ok({ value: [renderProvider(context)] });

export const getProvider = (context: ArmContext): HttpResponse => ok(renderProvider(context));

function renderProvider(context: ArmContext): unknown {
  const locations = unique(managedInstances(context.world).map(({ managed }) => managed.location));
  const type = (resourceType: string, apiVersions: readonly string[]) => ({
    resourceType,
    locations,
    apiVersions: [...apiVersions].reverse(),
  });
  return {
    id: `/subscriptions/${context.path.subscriptionId ?? ''}/providers/Microsoft.Sql`,
    namespace: 'Microsoft.Sql',
    registrationPolicy: 'RegistrationRequired',
    registrationState: 'Registered',
    resourceTypes: [
      type('managedInstances', SQL_VERSIONS),
      type('managedInstances/databases', SQL_VERSIONS),
      type('managedInstances/distributedAvailabilityGroups', LINK_VERSIONS),
      type('managedInstances/serverTrustCertificates', LINK_VERSIONS),
      type('managedInstances/endpointCertificates', LINK_VERSIONS),
    ],
  };
}

/** Distinct names without regard to case, in their first spelling. */
function unique(names: readonly string[]): string[] {
  return [...new Map(names.map((each) => [each.toLowerCase(), each] as const)).values()];
}
