/** What an undo gives back of logins and roles that people may have changed since: only what the run made of them. */
import type { LoginSettings, ServerPermission } from '../../model/sql-server/instance-objects';
import { includesName } from '../names';

/**
 * @param here as it is now
 * @param present as it was before the run; of what the run did not change nothing need stand here
 * @param made what the run made of it
 * @returns the settings to go back to: what is not as the run made it is somebody's, and stays
 */
export function restoredSettings(
  here: LoginSettings,
  present: Partial<LoginSettings>,
  made: Partial<LoginSettings>,
): LoginSettings {
  const field = <Key extends keyof LoginSettings>(key: Key): LoginSettings[Key] => {
    const former = present[key];
    return former !== undefined && here[key] === made[key] ? former : here[key];
  };
  return {
    isDisabled: field('isDisabled'),
    defaultDatabase: field('defaultDatabase'),
    defaultLanguage: field('defaultLanguage'),
    isPolicyChecked: field('isPolicyChecked'),
    isExpirationChecked: field('isExpirationChecked'),
    connect: field('connect'),
    roles: restoredRoles(here.roles, present.roles ?? [], made.roles ?? []),
    permissions: restoredPermissions(here.permissions, present.permissions ?? [], made.permissions ?? []),
  };
}

type Names = readonly string[];

function restoredRoles(here: Names, present: Names, made: Names): Names {
  const given = made.filter((role) => !includesName(present, role));
  const taken = present.filter((role) => !includesName(made, role) && !includesName(here, role));
  return [...here.filter((role) => !includesName(given, role)), ...taken];
}

type Permissions = readonly ServerPermission[];

/** As {@link restoredSettings}, for each permission by itself. */
export function restoredPermissions(here: Permissions, present: Permissions, made: Permissions): Permissions {
  const find = (list: Permissions, name: string) => list.find((permission) => permission.name === name);
  const names = [...new Set([...here, ...present].map(({ name }) => name))];
  return names.flatMap((name) => {
    const now = find(here, name);
    const isAsMade = now?.state === find(made, name)?.state;
    return (isAsMade ? find(present, name) : now) ?? [];
  });
}
