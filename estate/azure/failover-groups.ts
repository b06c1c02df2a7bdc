/**
 * locations/{location}/instanceFailoverGroups, reading only: a scenario says whether an instance is in a group. Shape
 * after InstanceFailoverGroups.json 2023-08-01. The partner lives in another region, outside of the estate.
 */
import {
  type ArmContext,
  inGroup,
  inSubscription,
  type ManagedInstance,
  managedInstances,
  nameAt,
  ok,
  same,
} from './context';
import { childNotFound } from './errors';
import type { HttpResponse } from './http';
import { compact } from './operations';
import { page } from './paging';

const TYPE = 'Microsoft.Sql/locations/instanceFailoverGroups';

export function listFailoverGroups(context: ArmContext): HttpResponse {
  return page(context.request, membersAt(context), render);
}

export function getFailoverGroup(context: ArmContext): HttpResponse {
  const name = nameAt(context, 1);
  const member = membersAt(context).find((target) => same(groupOf(target), name));
  if (member === undefined) throw childNotFound(TYPE, name);
  return ok(render(member));
}

/** The path's location may be written "West Europe". */
function membersAt(context: ArmContext): ManagedInstance[] {
  const { subscriptionId = '', resourceGroup = '' } = context.path;
  return managedInstances(context.world)
    .filter(inSubscription(subscriptionId))
    .filter(inGroup(resourceGroup))
    .filter(({ managed }) => managed.inFailoverGroup)
    .filter(({ managed }) => same(compact(managed.location), compact(nameAt(context, 0))));
}

const groupOf = ({ instance }: ManagedInstance): string => `fog-${instance.name}`;

function render(target: ManagedInstance): unknown {
  const { managed } = target;
  const name = groupOf(target);
  const scope = `/subscriptions/${managed.subscriptionId}/resourceGroups/${managed.resourceGroup}`;
  return {
    properties: {
      secondaryType: 'Geo',
      readWriteEndpoint: { failoverPolicy: 'Manual' },
      readOnlyEndpoint: { failoverPolicy: 'Disabled' },
      replicationRole: 'Primary',
      replicationState: 'CATCH_UP',
      partnerRegions: [{ location: 'northeurope', replicationRole: 'Secondary' }],
      managedInstancePairs: [
        {
          primaryManagedInstanceId: managed.resourceId,
          partnerManagedInstanceId: `${managed.resourceId}-partner`,
        },
      ],
    },
    id: `${scope}/providers/Microsoft.Sql/locations/${compact(managed.location)}/instanceFailoverGroups/${name}`,
    name,
    type: TYPE,
  };
}
