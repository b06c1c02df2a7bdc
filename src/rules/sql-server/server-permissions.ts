/** What a principal may do, from the rows of all who granted or denied it. */
import type { ServerPermission } from '../../model/sql-server/instance-objects';

interface GivenPermission extends Pick<ServerPermission, 'name' | 'state'> {
  /** Null for `sa`. */
  readonly grantor: string | null;
}

const STRENGTH: Readonly<Record<ServerPermission['state'], number>> = {
  GRANT: 0,
  GRANT_WITH_GRANT_OPTION: 1,
  // A denial holds whoever else grants it ("DENY", remarks).
  DENY: 2,
};

/** @param rows of one principal. @returns one entry for each permission, the state that counts */
export function collapsePermissions(rows: readonly GivenPermission[]): readonly ServerPermission[] {
  const names = [...new Set(rows.map(({ name }) => name))];
  return names.map((name) => {
    const given = rows.filter((row) => row.name === name);
    const state = given
      .map((row) => row.state)
      .reduce((strongest, each) => (STRENGTH[each] > STRENGTH[strongest] ? each : strongest));
    const grantors = given.flatMap(({ grantor }) => grantor ?? []);
    return grantors.length === 0 ? { name, state } : { name, state, grantors };
  });
}

/** Who gave them does not count. */
export function samePermissions(a: readonly ServerPermission[], b: readonly ServerPermission[]): boolean {
  const text = (permissions: readonly ServerPermission[]): string =>
    permissions
      .map(({ name, state }) => `${state} ${name}`)
      .sort()
      .join('\n');
  return text(a) === text(b);
}
