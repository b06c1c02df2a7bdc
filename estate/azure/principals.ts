/**
 * Who may call the simulated Azure, and what they may do: applications with a secret and role assignments.
 * Actions have ARM's form (`Microsoft.Sql/managedInstances/read`) and may hold `*`.
 */
import { timingSafeEqual } from 'node:crypto';

export interface RoleAssignment {
  /** Allowed actions; `*` matches any run of characters. */
  readonly actions: readonly string[];
  readonly notActions?: readonly string[];
  /** Resource id under which the actions are allowed; `/` = everywhere. Default `/`. */
  readonly scope?: string;
}

export interface Principal {
  readonly name: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly objectId: string;
  /** Undefined for a managed identity: it has no secret, tokens come from its metadata endpoint. */
  readonly clientSecret?: string;
  readonly roles: readonly RoleAssignment[];
}

/** Built-in role definitions that the estate knows (Azure built-in roles page). */
export const ROLES = {
  contributor: {
    actions: ['*'],
    notActions: ['Microsoft.Authorization/*/delete', 'Microsoft.Authorization/*/write'],
  },
  reader: { actions: ['*/read'] },
  /** SQL Managed Instance Contributor: the built-in role that the link's documentation asks for. */
  sqlManagedInstanceContributor: {
    actions: [
      'Microsoft.Resources/subscriptions/resourceGroups/read',
      'Microsoft.Sql/locations/*/read',
      'Microsoft.Sql/locations/instanceFailoverGroups/*',
      'Microsoft.Sql/managedInstances/*',
    ],
    notActions: [
      'Microsoft.Sql/managedInstances/azureADOnlyAuthentications/delete',
      'Microsoft.Sql/managedInstances/azureADOnlyAuthentications/write',
    ],
  },
} as const satisfies Record<string, RoleAssignment>;

export class Directory {
  readonly #principals: Principal[];

  constructor(principals: readonly Principal[]) {
    this.#principals = [...principals];
  }

  add(principal: Principal): void {
    this.#principals.push(principal);
  }

  /** Tenants are known by their principals; names compare case-insensitively. */
  hasTenant(tenantId: string): boolean {
    return this.#principals.some((principal) => same(principal.tenantId, tenantId));
  }

  application(tenantId: string, clientId: string): Principal | undefined {
    return this.#principals.find(
      (principal) => same(principal.tenantId, tenantId) && same(principal.clientId, clientId),
    );
  }

  byObjectId(objectId: string): Principal | undefined {
    return this.#principals.find((principal) => same(principal.objectId, objectId));
  }

  /** The identity that the metadata endpoint speaks for: by client or object id, else the first without a secret. */
  managedIdentity(id?: string): Principal | undefined {
    const identities = this.#principals.filter((principal) => principal.clientSecret === undefined);
    if (id === undefined) return identities[0];
    return identities.find((principal) => same(principal.clientId, id) || same(principal.objectId, id));
  }
}

/** True when one of the principal's roles allows `action` on `scope` (a resource id). */
export function isAllowed(principal: Principal, action: string, scope: string): boolean {
  return principal.roles.some((role) => {
    if (!within(scope, role.scope ?? '/')) return false;
    const denied = role.notActions?.some((pattern) => matches(pattern, action)) ?? false;
    return !denied && role.actions.some((pattern) => matches(pattern, action));
  });
}

/** Compares secrets in constant time. */
export function secretMatches(principal: Principal, given: string): boolean {
  if (principal.clientSecret === undefined) return false;
  const expected = Buffer.from(principal.clientSecret);
  const actual = Buffer.from(given);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

const same = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();

function within(scope: string, assigned: string): boolean {
  const parent = assigned.toLowerCase().replace(/\/+$/, '');
  const child = scope.toLowerCase();
  return child === parent || child.startsWith(`${parent}/`);
}

/** Wildcard match in linear time over the pattern's pieces (no regular expression, so no blow-up). */
function matches(pattern: string, action: string): boolean {
  const text = action.toLowerCase();
  const [head = '', ...rest] = pattern.toLowerCase().split('*');
  if (rest.length === 0) return text === head;
  if (!text.startsWith(head)) return false;
  const tail = rest.pop() ?? '';
  let at = head.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - tail.length >= at && text.endsWith(tail);
}
