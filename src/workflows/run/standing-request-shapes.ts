/** Shapes of what is asked of what stands, and of a cutover. */
import { LONGEST_DURATION_MS } from '../../model/duration';
import type { FailoverType } from '../../model/run/procedure';
import type { Site, SiteId } from '../../model/run/site';
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
  type Shape,
  text,
  time,
  yes,
} from './shapes';
import type { FailoverRequest, RepairRequest } from './standing-messages';

/** @param sites places that can lead, which are told with what they are */
export const siteShape = (sites: readonly Site[]): Shape<SiteId> =>
  oneOf<SiteId>(Object.fromEntries(sites.map(({ id, label }) => [id, `the ${label}`])));
export const failoverType = oneOf<FailoverType>(['planned', 'forced']);

const failoverFields = (sites: readonly Site[]): Fields<FailoverRequest> => ({
  ...BY_AND_REASON,
  type: failoverType,
  to: siteShape(sites),
  acceptLossSeconds: optional(number(0, LONGEST_DURATION_MS / 1_000)),
  acknowledgedBy: optional(name('the name of a person')),
  acceptDrift: optional(yes),
});
export const failoverShape = (sites: readonly Site[]): Shape<FailoverRequest> =>
  exactly<FailoverRequest>(failoverFields(sites));

/** As a run asks its child for it: the reason of a drill begins with a few words of the run's own. */
export const failoverOfRunShape = (sites: readonly Site[]): Shape<FailoverRequest> =>
  exactly<FailoverRequest>({ ...failoverFields(sites), reason: optional(text(2 * LONGEST_REASON)) });

export const drillShape = exactly<DrillRequest>({
  ...BY_AND_REASON,
  holdMs: duration(),
  acknowledgedBy: optional(name('the name of a person')),
});

export const repairShape = (sites: readonly Site[]): Shape<RepairRequest> =>
  exactly<RepairRequest>({ ...BY_AND_REASON, survivor: siteShape(sites) });

export const approveShape = exactly<ApproveRequest>({ ...BY_AND_REASON, acceptDrift: optional(yes) });

export const postponeShape = exactly<PostponeRequest>({ ...BY_AND_REASON, until: time });

/** What stands in a schedule is read by a rule, which answers. */
export const changeScheduleShape = exactly<ChangeScheduleRequest>({
  ...BY_AND_REASON,
  schedule: anyObject(),
});
