/** A server role that is a member of others gives their rights, too. That is compared, and not copied. */
import type { ObjectFinding, ServerRole } from '../../model/sql-server/instance-objects';
import { includesName, sameName } from '../names';
import type { ObjectsInput } from './objects-input';
import { samePermissions } from './server-permissions';

type Input = Pick<ObjectsInput, 'names' | 'primary' | 'other'>;

/** @param ofLogins names of the roles in which the copied logins are themselves */
export function nestedRoleFindings(input: Input, ofLogins: readonly string[]): readonly ObjectFinding[] {
  return withOuterRoles(ofLogins, input.primary.roles).flatMap((role) => {
    const twin = input.other.roles.find(({ name }) => sameName(name, role.name));
    const isCopied = includesName(ofLogins, role.name);
    // An outer role that is not there is told with the membership in it.
    if (twin === undefined && !isCopied) return [];
    const memberships = membershipFindings(input, role, twin?.roles ?? []);
    const differs = twin !== undefined && !samePermissions(twin.permissions, role.permissions);
    return isCopied || !differs ? memberships : [...memberships, permissionFinding(input, role.name)];
  });
}

/** User-defined roles of the primary that give rights to the logins, directly or by another role. */
function withOuterRoles(ofLogins: readonly string[], roles: readonly ServerRole[]): readonly ServerRole[] {
  const find = (name: string) => roles.filter((role) => sameName(role.name, name));
  const all = new Set(ofLogins.flatMap(find));
  // A set is walked to its end, also to what is added meanwhile.
  for (const role of all) for (const outer of role.roles.flatMap(find)) all.add(outer);
  return [...all];
}

function membershipFindings(
  { names }: Input,
  role: ServerRole,
  there: readonly string[],
): readonly ObjectFinding[] {
  const other = names.other;
  const lacking = role.roles.filter((name) => !includesName(there, name));
  const extra = there.filter((name) => !includesName(role.roles, name));
  return [
    ...lacking.map((outer) =>
      finding(
        role.name,
        `on ${other} this server role is no member of the server role ${outer}, whose rights its members lack there`,
        `make it a member on ${other} (ALTER SERVER ROLE ... ADD MEMBER), with the role ${outer} if it is not there`,
      ),
    ),
    ...extra.map((outer) =>
      finding(
        role.name,
        `on ${other} this server role is a member of the server role ${outer}, which gives its members more rights than on ${names.primary}`,
        `take it out on ${other} (ALTER SERVER ROLE ... DROP MEMBER)`,
      ),
    ),
  ];
}

const permissionFinding = ({ names }: Input, role: string): ObjectFinding =>
  finding(
    role,
    `on ${names.other}: permissions of the server role, of which roles of copied logins are members`,
    `grant on ${names.other} what it has on ${names.primary}, and take back the rest`,
  );

const finding = (name: string, detail: string, remedy: string): ObjectFinding => ({
  kind: 'login',
  name,
  state: 'cannot-be-copied',
  detail,
  remedy,
  copyable: false,
});
