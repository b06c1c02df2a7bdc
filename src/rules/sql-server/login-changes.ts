/**
 * What was changed of a login or a role, and nothing besides: short enough to be carried along for years, and enough to
 * give it back. Changes that came one after the other add up to one.
 */
import type { LoginSettings, ServerPermission } from '../../model/sql-server/instance-objects';
import { includesName } from '../names';

/** Only what differs: `wanted` is what was made of `present`. Of lists the entries that went and that came. */
export interface SettingsChange {
  readonly present: Partial<LoginSettings>;
  readonly wanted: Partial<LoginSettings>;
}

type Permissions = readonly ServerPermission[];

/** Of each name that differs, what stood there before and what was made of it; absent: nothing. */
export interface PermissionsChange {
  readonly present: Permissions;
  readonly wanted: Permissions;
}

const SCALARS = [
  'isDisabled',
  'defaultDatabase',
  'defaultLanguage',
  'isPolicyChecked',
  'isExpirationChecked',
  'connect',
] as const;
type Scalar = (typeof SCALARS)[number];
type Scalars = Partial<Pick<LoginSettings, Scalar>>;

const find = (list: Permissions, name: string): ServerPermission | undefined =>
  list.find((permission) => permission.name === name);

const without = (names: readonly string[], others: readonly string[]): readonly string[] =>
  names.filter((name) => !includesName(others, name));

/** @returns the change without what it left as it was */
export function onlyChanged({ present, wanted }: SettingsChange): SettingsChange {
  const roles = {
    taken: without(present.roles ?? [], wanted.roles ?? []),
    given: without(wanted.roles ?? [], present.roles ?? []),
  };
  const permissions = onlyChangedPermissions({
    present: present.permissions ?? [],
    wanted: wanted.permissions ?? [],
  });
  const scalars = SCALARS.filter((key) => present[key] !== wanted[key]);
  return changeOf(pick(present, scalars), pick(wanted, scalars), roles, permissions);
}

export function onlyChangedPermissions({ present, wanted }: PermissionsChange): PermissionsChange {
  const differs = ({ name }: ServerPermission): boolean =>
    find(present, name)?.state !== find(wanted, name)?.state;
  return { present: present.filter(differs), wanted: wanted.filter(differs) };
}

export const isNoChange = ({ present, wanted }: SettingsChange | PermissionsChange): boolean =>
  Object.keys(present).length + Object.keys(wanted).length === 0;

/**
 * Two changes as one: giving it back comes to the same as giving back the later one and then the first.
 * What somebody else made of it between the two is neither's, and is what is given back.
 */
export function addUp(first: SettingsChange, later: SettingsChange): SettingsChange {
  const keys = SCALARS.filter((key) => key in first.wanted || key in later.wanted);
  const present: Scalars = Object.assign({}, ...keys.map((key) => formerOf(key, first, later)));
  const wanted: Scalars = { ...pick(first.wanted, keys), ...pick(later.wanted, keys) };
  const [given, taken] = [first.wanted.roles ?? [], first.present.roles ?? []];
  const roles = {
    given: [...given, ...without(without(later.wanted.roles ?? [], taken), given)],
    taken: [...taken, ...without(without(later.present.roles ?? [], given), taken)],
  };
  const permissions = addUpPermissions(permissionsOf(first), permissionsOf(later));
  const changed = keys.filter((key) => present[key] !== wanted[key]);
  return changeOf(pick(present, changed), pick(wanted, changed), roles, permissions);
}

export function addUpPermissions(first: PermissionsChange, later: PermissionsChange): PermissionsChange {
  const isLater = ({ name }: ServerPermission): boolean =>
    find(later.present, name) !== undefined || find(later.wanted, name) !== undefined;
  const isFirst = ({ name }: ServerPermission): boolean =>
    find(first.present, name) !== undefined || find(first.wanted, name) !== undefined;
  const isChained = ({ name }: ServerPermission): boolean =>
    find(later.present, name)?.state === find(first.wanted, name)?.state;
  const names = [...later.present, ...later.wanted];
  const chained = names.filter((permission) => isFirst(permission) && isChained(permission));
  return onlyChangedPermissions({
    present: [
      ...first.present.filter((permission) => !isLater(permission) || isNamed(chained, permission)),
      ...later.present.filter((permission) => !isNamed(chained, permission)),
    ],
    wanted: [...first.wanted.filter((permission) => !isLater(permission)), ...later.wanted],
  });
}

const isNamed = (list: Permissions, { name }: ServerPermission): boolean => find(list, name) !== undefined;

/** What was there before both; what somebody made of it in between, where that is not what the first one made. */
function formerOf(key: Scalar, first: SettingsChange, later: SettingsChange): Scalars {
  if (!(key in later.wanted)) return pick(first.present, [key]);
  const isChained = key in first.wanted && later.present[key] === first.wanted[key];
  return pick(isChained ? first.present : later.present, [key]);
}

const pick = (settings: Partial<LoginSettings>, keys: readonly Scalar[]): Scalars =>
  Object.fromEntries(keys.filter((key) => key in settings).map((key) => [key, settings[key]]));

const permissionsOf = ({ present, wanted }: SettingsChange): PermissionsChange => ({
  present: present.permissions ?? [],
  wanted: wanted.permissions ?? [],
});

function changeOf(
  present: Scalars,
  wanted: Scalars,
  roles: { readonly given: readonly string[]; readonly taken: readonly string[] },
  permissions: PermissionsChange,
): SettingsChange {
  const lists = (names: readonly string[], list: Permissions): Partial<LoginSettings> => ({
    ...(names.length === 0 ? {} : { roles: names }),
    ...(list.length === 0 ? {} : { permissions: list }),
  });
  return {
    present: { ...present, ...lists(roles.taken, permissions.present) },
    wanted: { ...wanted, ...lists(roles.given, permissions.wanted) },
  };
}

/** Of a change that was begun, what was made of it. @param left what is still to be changed */
export function madeOf(change: SettingsChange, left: SettingsChange): SettingsChange {
  const keys = SCALARS.filter((key) => key in change.wanted);
  const now = (key: Scalar) => (key in left.present ? left.present : change.wanted);
  const wanted: Scalars = Object.assign({}, ...keys.map((key) => pick(now(key), [key])));
  const changed = keys.filter((key) => change.present[key] !== wanted[key]);
  return changeOf(
    pick(change.present, changed),
    pick(wanted, changed),
    {
      given: without(change.wanted.roles ?? [], left.wanted.roles ?? []),
      taken: without(change.present.roles ?? [], left.present.roles ?? []),
    },
    madeOfPermissions(permissionsOf(change), permissionsOf(left)),
  );
}

/** As {@link madeOf}. */
export function madeOfPermissions(change: PermissionsChange, left: PermissionsChange): PermissionsChange {
  const isLeft = (permission: ServerPermission): boolean =>
    isNamed(left.present, permission) || isNamed(left.wanted, permission);
  const isOurs = (permission: ServerPermission): boolean =>
    isNamed(change.present, permission) || isNamed(change.wanted, permission);
  return onlyChangedPermissions({
    present: change.present,
    wanted: [...change.wanted.filter((one) => !isLeft(one)), ...left.present.filter(isOurs)],
  });
}
