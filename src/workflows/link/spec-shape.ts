/**
 * The shape of a spec as a workflow gets it: all that decides what is done, and all that is reckoned with. Files and
 * clients are checked by the schema of a spec, before; whoever starts a workflow by other means is not.
 */

import type { ManagedInstance, SqlServer } from '../../model/inventory';
import type { GroupReplica, LinkNames, LinkSpec, ResolvedLink } from '../../model/link/spec';
import type { Hook, Hooks } from '../../model/run/hooks';
import type { InstanceObjects } from '../../model/sql-server/instance-objects-spec';
import {
  anyObject,
  anyText,
  duration,
  including,
  list,
  matching,
  name,
  number,
  oneOf,
  optional,
  type Shape,
  versionOne,
  wholeNumber,
  yesOrNo,
} from '../run/shapes';
import { slotLimit } from '../run/slot-shapes';
import { scheduleShape } from '../run/state-shape';

/** As `nameSchema`, also with the name of a replica behind it. */
const specName = matching(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/,
  'a name of letters, digits, ".", "_" and "-"',
);
const sysname = matching(/^.{1,128}$/s, 'a name of 1 to 128 characters');
/** Time-outs and pauses of nothing at all would be none. */
const pause = duration(1);

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
  version: versionOne,
  settings,
  names: including<LinkNames>({
    distributedGroup: sysname,
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
