/** Takes the path of a resource manager request apart. Keywords in it compare without case, as ARM does. */

export interface ResourcePath {
  readonly subscriptionId?: string;
  readonly resourceGroup?: string;
  /** `Microsoft.Sql`; undefined for subscriptions and resource groups themselves. */
  readonly namespace?: string;
  /** `managedInstances`, `distributedAvailabilityGroups`, `failover`: types and a trailing collection or action. */
  readonly types: readonly string[];
  readonly names: readonly string[];
  /** Lower-case dispatch key; names are stars: a key that ends with a star is an item, else a collection or action. */
  readonly key: string;
}

/** @returns undefined when the path is not one of resource manager's. */
export function parseResourcePath(segments: readonly string[]): ResourcePath | undefined {
  const [root, subscriptionId, ...rest] = segments;
  if (root?.toLowerCase() !== 'subscriptions') return undefined;
  if (subscriptionId === undefined) return { types: [], names: [], key: 'subscriptions' };
  return subscriptionScope(subscriptionId, rest);
}

function subscriptionScope(subscriptionId: string, rest: readonly string[]): ResourcePath | undefined {
  const [keyword, second, ...deeper] = rest;
  const base = { subscriptionId, types: [], names: [] };
  if (keyword === undefined) return { ...base, key: 'subscriptions/*' };
  switch (keyword.toLowerCase()) {
    case 'resourcegroups':
      if (second === undefined) return { ...base, key: 'resourcegroups' };
      return groupScope(subscriptionId, second, deeper);
    case 'providers':
      if (second === undefined) return { ...base, key: 'providers' };
      return providerScope({ subscriptionId }, second, deeper);
    default:
      return undefined;
  }
}

function groupScope(
  subscriptionId: string,
  resourceGroup: string,
  rest: readonly string[],
): ResourcePath | undefined {
  const [keyword, namespace, ...deeper] = rest;
  if (keyword === undefined)
    return { subscriptionId, resourceGroup, types: [], names: [], key: 'resourcegroups/*' };
  if (keyword.toLowerCase() === 'providers' && namespace !== undefined)
    return providerScope({ subscriptionId, resourceGroup }, namespace, deeper);
  return undefined;
}

function providerScope(
  scope: { readonly subscriptionId: string; readonly resourceGroup?: string },
  namespace: string,
  rest: readonly string[],
): ResourcePath {
  const types = rest.filter((_, index) => index % 2 === 0);
  const names = rest.filter((_, index) => index % 2 === 1);
  if (types.length === 0) return { ...scope, namespace, types, names, key: 'providers/*' };
  const key = rest.map((part, index) => (index % 2 === 0 ? part.toLowerCase() : '*')).join('/');
  return { ...scope, namespace, types, names, key };
}

/** Resource id of the path's scope, for messages about permissions. */
export function scopeOf(path: ResourcePath): string {
  const parts = path.subscriptionId === undefined ? [''] : ['', 'subscriptions', path.subscriptionId];
  if (path.resourceGroup !== undefined) parts.push('resourceGroups', path.resourceGroup);
  if (path.namespace !== undefined && path.names.length > 0) {
    parts.push('providers', path.namespace);
    for (const [index, name] of path.names.entries()) parts.push(path.types[index] ?? '', name);
  }
  return parts.join('/') || '/';
}
