/**
 * The shape of a spec as a workflow gets it: all that decides what is done, and all that is reckoned with. Files and
 * clients are checked by the schema of a spec, before; whoever starts a workflow by other means is not.
 */

import type { ManagedInstance, SqlServer } from '../../model/inventory';
import type { GroupReplica, LinkNames, LinkSpec, ResolvedLink } from '../../model/link/spec';
import type { Hook, Hooks } from '../../model/run/hooks';
import type { InstanceObjects } from '../../model/sql-server/instance-objects-spec';
import { readSchedule } from '../../rules/run/read-schedule';
import { BY_AND_REASON } from '../run/request-shapes';
import {
  anyObject,
  anyText,
  duration,
  exactly,
  including,
  list,
  MalformedInput,
  matching,
  name,
  number,
  oneOf,
  optional,
  type Shape,
  wholeNumber,
  yesOrNo,
} from '../run/shapes';
import { slotLimit } from '../run/signal-shapes';
import type { ChangeSpecRequest } from '../run/standing-messages';

/** As `nameSchema`, also with the name of a replica behind it. */
const specName = matching(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/,
  'a name of letters, digits, ".", "_" and "-"',
);
const sysname = matching(/^.{1,128}$/s, 'a name of 1 to 128 characters');
/** Time-outs and pauses of nothing at all would be none. */
const pause = duration(1);

export const scheduleShape: Shape<LinkSpec['cutover']['schedule']> = (value, at) => {
  const read = readSchedule(value);
  if (read.ok) return read.schedule;
  throw new MalformedInput(`${at}: ${read.problem}`);
};

const hook = including<Pick<Hook, 'name' | 'type' | 'timeout' | 'onFailure'>>({
  name: specName,
  type: oneOf(['webhook', 'command']),
  timeout: pause,
  onFailure: oneOf(['veto', 'tell']),
}) as Shape<Hook>;

const hooks = including<Hooks>({
  beforeFailover: list(hook),
  whenFenced: list(hook),
  afterFailover: list(hook),
  whenWithdrawn: list(hook),
});

const instanceObjects = including<InstanceObjects>({
  logins: including({ ofDatabase: yesOrNo, include: list(sysname), exclude: list(sysname) }),
  jobs: including({ include: list(sysname) }),
  drift: oneOf(['block', 'warn', 'ignore']),
});

const cutover = including<LinkSpec['cutover']>({
  schedule: scheduleShape,
  approval: including({ required: yesOrNo, validFor: duration() }),
  fence: including({ disableLogins: list(sysname) }),
  maxLag: duration(),
  catchUpTimeout: pause,
  attempts: wholeNumber(1, 20),
  retryAfter: list(duration(), 1),
  afterwards: oneOf(['remove-link', 'keep-link']),
});

const port = wholeNumber(1, 65_535);
const percent = number(1, 100);

const settings = including<LinkSpec>({
  apiVersion: oneOf(['sqlferry/v1']),
  kind: oneOf(['Link']),
  name: specName,
  purpose: oneOf(['migration', 'disaster-recovery']),
  initialPrimary: oneOf(['server', 'instance']),
  database: sysname,
  server: specName,
  instance: specName,
  link: anyObject(),
  certificate: including<LinkSpec['certificate']>({ name: optional(sysname), validFor: duration() }),
  seeding: including<LinkSpec['seeding']>({
    deadline: pause,
    warnBefore: list(duration()),
    stalledAfter: pause,
    watchLog: yesOrNo,
    keepLog: oneOf(['none', 'trace-flag-12381']),
  }),
  logBackups: including<LinkSpec['logBackups']>({
    directory: anyText,
    every: pause,
    atUsedPercent: percent,
    beforeFullIn: duration(),
    alarmAtUsedPercent: percent,
    compression: yesOrNo,
  }),
  cutover,
  failover: including<LinkSpec['failover']>({
    coolDown: duration(),
    atOnce: slotLimit,
    firstFullBackup: oneOf(['tell', 'acknowledge']),
  }),
  hooks: optional(hooks),
  afterFailover: including<LinkSpec['afterFailover']>({ checks: yesOrNo, repairOrphanedUsers: yesOrNo }),
  instanceObjects: optional(instanceObjects),
  polling: including<LinkSpec['polling']>({
    steady: pause,
    seeding: pause,
    active: pause,
    heartbeatTimeout: pause,
  }),
});

export const version: Shape<1> = (value, at) => {
  if (value === 1) return value;
  throw new MalformedInput(`${at} must be 1: this worker reads no other version`);
};

/** How a server is reached. Which secret, and how it is read, is for the activity. */
const ACCESS = {
  tls: including<Pick<SqlServer['tls'], 'mode'>>({ mode: oneOf(['strict', 'required', 'off']) }),
  authentication: including<Pick<SqlServer['authentication'], 'type'>>({ type: oneOf(['sql', 'entra']) }),
};

const sqlServer = including<Pick<SqlServer, 'host' | 'port'>>({
  host: anyText,
  port,
  ...ACCESS,
}) as Shape<SqlServer>;

export const specShape = including<ResolvedLink>({
  kind: oneOf(['link']),
  version,
  settings,
  names: including<LinkNames>({
    link: sysname,
    availabilityGroup: sysname,
    instanceAvailabilityGroup: sysname,
  }),
  server: sqlServer,
  instance: including<Omit<ManagedInstance, 'tls' | 'authentication'>>({
    resourceId: name('a resource id', 1_000),
    host: optional(anyText),
    port,
    ...ACCESS,
  }) as Shape<ManagedInstance>,
  azure: anyObject(),
  replicas: optional(
    list<GroupReplica>(including<GroupReplica>({ name: specName, server: sqlServer }), 1, 64),
  ),
});

export const changeSpecShape = exactly<ChangeSpecRequest>({ ...BY_AND_REASON, spec: specShape });
