/** Shapes of what is asked of a link or of a migration. */
import { LONGEST_DURATION_MS } from '../../model/duration';
import type { LinkSite } from '../../model/link/procedure';
import type { FailoverType } from '../../model/run/procedure';
import type { DrillRequest } from './drill-messages';
import type { ApproveRequest, ChangeScheduleRequest, PostponeRequest } from './messages';
import { BY_AND_REASON } from './request-shapes';
import {
  anyObject,
  duration,
  exactly,
  type Fields,
  LONGEST_REASON,
  name,
  number,
  oneOf,
  optional,
  text,
  time,
  yes,
} from './shapes';
import type { FailoverRequest, RepairRequest } from './standing-messages';

export const side = oneOf<LinkSite>({ server: 'the SQL Server', instance: 'the instance' });
export const failoverType = oneOf<FailoverType>(['planned', 'forced']);

const FAILOVER: Fields<FailoverRequest> = {
  ...BY_AND_REASON,
  type: failoverType,
  to: side,
  acceptLossSeconds: optional(number(0, LONGEST_DURATION_MS / 1_000)),
  acknowledgedBy: optional(name('the name of a person')),
  acceptDrift: optional(yes),
};
export const failoverShape = exactly<FailoverRequest>(FAILOVER);

/** As a run asks its child for it: the reason of a drill begins with a few words of the run's own. */
export const failoverOfRunShape = exactly<FailoverRequest>({
  ...FAILOVER,
  reason: optional(text(2 * LONGEST_REASON)),
});

export const drillShape = exactly<DrillRequest>({
  ...BY_AND_REASON,
  holdMs: duration(),
  acknowledgedBy: optional(name('the name of a person')),
});

export const repairShape = exactly<RepairRequest>({ ...BY_AND_REASON, survivor: side });

export const approveShape = exactly<ApproveRequest>({ ...BY_AND_REASON, acceptDrift: optional(yes) });

export const postponeShape = exactly<PostponeRequest>({ ...BY_AND_REASON, until: time });

/** What stands in a schedule is read by a rule, which answers. */
export const changeScheduleShape = exactly<ChangeScheduleRequest>({
  ...BY_AND_REASON,
  schedule: anyObject(),
});
