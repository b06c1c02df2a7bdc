/** The shape of what a run of a link keeps beside what every run keeps. */
import {
  anyObject,
  anyText,
  type Fields,
  including,
  list,
  nullable,
  oneOf,
  optional,
  time,
  wholeNumber,
  yesOrNo,
} from '../run/shapes';
import type { ObjectsState } from '../sql-server/objects-state';
import type { LinkOwn } from './state';

const count = wholeNumber(0, Number.MAX_SAFE_INTEGER);

const objects = including<ObjectsState>({
  primary: oneOf(['server', 'instance']),
  observedAt: time,
  mark: anyText,
  count,
  drift: list(anyObject()),
});

export const linkOwnShape: Fields<LinkOwn> = {
  route: nullable(oneOf(['planned-failover', 'delete-link'])),
  serverName: anyText,
  linkRequestedAt: nullable(time),
  seedingCompletedAt: nullable(time),
  seedingRestarts: count,
  logBackups: including({ count, lastAt: nullable(time) }),
  lastBackupAt: optional(time),
  logAlarmRaised: yesOrNo,
  foreignLogBackups: optional(list(anyText)),
  groupLeader: optional(anyText),
  unreplicatedTail: optional(anyText),
  fullBackup: optional(including({ since: time, at: time })),
  instanceObjects: optional(objects),
};
