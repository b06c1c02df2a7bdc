/**
 * Shapes of what the workflows of a run tell each other. Fields that are not known are let through: a later version
 * may send more. Kinds that are not known are not.
 */
import type { Site } from '../../model/run/site';
import type { AcceptedDrift, Acknowledgement, FailoverRecord } from './failover-record';
import {
  anyObject,
  anyText,
  byKind,
  including,
  list,
  name,
  nullable,
  number,
  oneOf,
  optional,
  type Shape,
  time,
  yesOrNo,
} from './shapes';
import type { FailoverControl, FailoverNews, FromRun } from './standing-messages';
import { siteShape } from './standing-request-shapes';
import type { UnliftedFence } from './unlifted-fences';

export const unliftedFences = list<UnliftedFence>(
  including<UnliftedFence>({
    server: anyText,
    logins: list(anyText),
    statement: anyText,
    since: time,
    told: yesOrNo,
  }),
);

export const acknowledgement = including<Acknowledgement>({ by: anyText, at: time, what: anyText });

/** What is reckoned with, or decides; the rest is only shown. */
export const failoverRecordShape = (sites: readonly Site[]): Shape<FailoverRecord> =>
  including<FailoverRecord>({
    workflowId: anyText,
    type: oneOf(['planned', 'forced', 'outside']),
    to: siteShape(sites),
    by: anyText,
    reason: nullable(anyText),
    startedAt: time,
    endedAt: time,
    outcome: oneOf(['done', 'withdrawn', 'failed']),
    summary: anyText,
    rtoMs: nullable(number(0, Number.MAX_SAFE_INTEGER)),
    evidence: nullable(anyObject()),
    loss: nullable(anyObject()),
    diverged: optional(nullable(anyObject())),
    acceptedDrift: optional(including<AcceptedDrift>({ by: anyText, what: anyText })),
    hooks: optional(list(anyObject())),
    checks: optional(list(anyObject())),
    acknowledged: optional(acknowledgement),
    drill: optional(oneOf(['there', 'back'])),
    preempted: optional(including({ fenceOn: nullable(siteShape(sites)) })),
    unliftedFences: optional(unliftedFences),
  });

/** Ids are as long as Temporal lets them be. */
export const id = name('an id', 1_000);

/** Who says so, by workflow and run; whoever does not say it is a stranger. */
const sender = including<FromRun>({ from: optional(including({ workflowId: id, runId: id })) });

const signed =
  <Message>(shape: Shape<Message>): Shape<Message & FromRun> =>
  (value, at) => ({ ...shape(value, at), ...sender(value, at) });

const news = (sites: readonly Site[]): Shape<FailoverNews> =>
  byKind<FailoverNews>({
    fencing: anyObject(),
    'given-up': anyObject(),
    'new-primary-proven': including({ record: failoverRecordShape(sites) }),
    waiting: including({ waitingFor: nullable(anyText) }),
    problem: including({
      problem: nullable(including({ code: anyText, message: anyText, remedy: anyText, where: anyText })),
    }),
  });

/** @param sites places that can lead */
export const failoverNewsShape = (sites: readonly Site[]): Shape<FailoverNews & FromRun> =>
  signed(news(sites));

const control = byKind<FailoverControl>({
  pause: anyObject(),
  retry: anyObject(),
  preempt: including({ by: name(), at: time }),
});

export const failoverControlShape = signed(control);
