/** Which fields of a spec may change while its link stands, and why the others may not. */
import type { GroupReplica, LinkNames, LinkSpec, ResolvedLink } from '../../model/link/spec';
import type { RefusedField, SpecChange } from '../../model/run/spec-change';

export interface SpecChangeFacts {
  /** Logins of the fence are disabled on a replica that did not answer when they were to be enabled. */
  readonly fenceIsLeft: boolean;
}

type Verdict = 'allowed' | 'identity' | 'made-with' | 'cutover' | 'not-known';

/** The first that a field begins with decides. */
const VERDICTS: readonly (readonly [string, Verdict])[] = [
  ['settings.hooks', 'allowed'],
  ['settings.cutover.fence', 'allowed'],
  ['settings.cutover.approval', 'allowed'],
  ['settings.cutover.maxLag', 'allowed'],
  ['settings.cutover.catchUpTimeout', 'allowed'],
  ['settings.cutover.attempts', 'allowed'],
  ['settings.cutover.retryAfter', 'allowed'],
  ['settings.cutover', 'cutover'],
  ['settings.polling', 'allowed'],
  ['settings.failover', 'allowed'],
  ['settings.afterFailover', 'allowed'],
  ['settings.logBackups', 'allowed'],
  ['settings.instanceObjects', 'allowed'],
  ['settings.certificate', 'made-with'],
  ['settings.seeding', 'made-with'],
  ['settings', 'identity'],
  ['names', 'identity'],
  ['server.endpoint', 'made-with'],
  ['server.masterKeyPassword', 'made-with'],
  ['server', 'allowed'],
  ['instance.resourceId', 'identity'],
  ['instance', 'allowed'],
  ['azure.endpoint', 'identity'],
  ['azure', 'allowed'],
  ['replicas', 'identity'],
];

const REFUSALS: Readonly<Record<Exclude<Verdict, 'allowed'>, Omit<RefusedField, 'field'>>> = {
  identity: {
    ruleId: 'spec-change.identity',
    reason: 'it says which link this is, and another link is another run',
    nextStep: 'set it back as it was; or remove the link and start one with the new spec',
  },
  'made-with': {
    ruleId: 'spec-change.made-with',
    reason: 'the link was made with it, and does not look at it again',
    nextStep: 'set it back as it was; certificates are renewed by: sqlferry certificates rotate',
  },
  cutover: {
    ruleId: 'spec-change.cutover',
    reason: 'it is about the one cutover of a migration, and a link that stays has none',
    nextStep: 'set it back as it was; ask for a failover when it is to be: sqlferry failover',
  },
  'not-known': {
    ruleId: 'spec-change.not-known',
    reason: 'no rule says that it may change while the link stands',
    nextStep: 'set it back as it was',
  },
};

const FENCE_IS_LEFT: Omit<RefusedField, 'field'> = {
  ruleId: 'spec-change.fence-left',
  reason:
    'logins of the fence are still disabled on a replica that did not answer, and are enabled there by this list',
  nextStep: 'wait until status names no such replica any more, then change it',
};

const FENCE = 'settings.cutover.fence.disableLogins';

/** @returns what differs between the spec in force and another one, field by field */
export function specChange(before: ResolvedLink, after: ResolvedLink, facts: SpecChangeFacts): SpecChange {
  const changed: string[] = [];
  const refused: RefusedField[] = [];
  for (const path of differences(before, after)) {
    const field = inFile(path, before);
    const why = refusalOf(path, facts);
    if (why === undefined) changed.push(field);
    else refused.push({ field, ...why });
  }
  return { changed, refused, warnings: warningsOf(before, after) };
}

function refusalOf(path: string, { fenceIsLeft }: SpecChangeFacts): Omit<RefusedField, 'field'> | undefined {
  const verdict = verdictOn(path);
  if (verdict !== 'allowed') return REFUSALS[verdict];
  return path === FENCE && fenceIsLeft ? FENCE_IS_LEFT : undefined;
}

function verdictOn(path: string): Verdict {
  // Of a replica as of the server: how it is reached may change.
  const like = path.replace(/^replicas\.[^/]+\/server/, 'server');
  const found = VERDICTS.find(([prefix]) => like === prefix || like.startsWith(`${prefix}.`));
  return found?.[1] ?? 'not-known';
}

/** Logins that are fenced no more may be disabled on the side that follows, where a failover would have enabled them. */
function warningsOf(before: ResolvedLink, after: ResolvedLink): readonly string[] {
  const kept = after.settings.cutover.fence.disableLogins;
  const dropped = before.settings.cutover.fence.disableLogins.filter((login) => !kept.includes(login));
  if (dropped.length === 0) return [];
  return [
    `${dropped.join(', ')} are fenced no more: where an earlier failover disabled them, they stay disabled until a person enables them`,
  ];
}

function differences(before: ResolvedLink, after: ResolvedLink): readonly string[] {
  const { replicas: known = [], ...one } = before;
  const { replicas: asked = [], ...other } = after;
  const found = differing(one, other, '');
  return [...found.filter((path) => !isDerived(path, found)), ...ofReplicas(known, asked)];
}

/** Where the names of the link's objects are written. */
const WRITTEN: Readonly<Record<keyof LinkNames, keyof LinkSpec['link']>> = {
  distributedGroup: 'name',
  availabilityGroup: 'availabilityGroup',
  instanceAvailabilityGroup: 'instanceAvailabilityGroup',
};
const NAMES = new Map<string, string>(
  Object.entries(WRITTEN).map(([name, field]) => [`names.${name}`, `link.${field}`]),
);

/** A name that follows from another field which differs: that one is told. */
function isDerived(path: string, found: readonly string[]): boolean {
  const field = NAMES.get(path);
  return field !== undefined && ['settings.database', `settings.${field}`].some((one) => found.includes(one));
}

function ofReplicas(known: readonly GroupReplica[], asked: readonly GroupReplica[]): readonly string[] {
  const names = (replicas: readonly GroupReplica[]): string =>
    JSON.stringify(replicas.map(({ name }) => name));
  if (names(known) !== names(asked)) return ['replicas'];
  return known.flatMap(({ name, server }, index) =>
    differing(server, asked[index]?.server, `replicas.${name}/server`),
  );
}

/** Paths at which two values differ; a list is one value. */
function differing(one: unknown, other: unknown, at: string): readonly string[] {
  if (isSame(one, other)) return [];
  if (!isFields(one) || !isFields(other)) return [at];
  return keysOf(one, other).flatMap((key) =>
    differing(one[key], other[key], at === '' ? key : `${at}.${key}`),
  );
}

function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((value, index) => isSame(value, other[index]));
  if (isFields(one) && isFields(other))
    return keysOf(one, other).every((key) => isSame(one[key], other[key]));
  return one === other;
}

type FieldsOf = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is FieldsOf =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const keysOf = (one: FieldsOf, other: FieldsOf): readonly string[] => [
  ...new Set([...Object.keys(one), ...Object.keys(other)]),
];

/** The path as a person finds it in the link's file or in the inventory. */
function inFile(path: string, { settings }: ResolvedLink): string {
  if (path.startsWith('settings.')) return path.slice('settings.'.length);
  const name = NAMES.get(path);
  if (name !== undefined) return name;
  return path
    .replace(/^server\b/, `sqlServers.${settings.server}`)
    .replace(/^instance\b/, `managedInstances.${settings.instance}`)
    .replace(/^replicas\.([^/]+)\/server/, 'sqlServers.$1')
    .replace(/^replicas$/, 'link.replicas');
}
