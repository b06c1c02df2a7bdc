/**
 * What a run was sent and cannot even decode: bytes of an encoding that it does not know, JSON that is none. The SDK
 * would throw before any handler could refuse it, and the run would fail its every task from then on.
 */
import { defaultPayloadConverter, type PayloadConverter } from '@temporalio/common';
import { inWorkflowContext, workflowInfo } from '@temporalio/workflow';
import { Unreadable } from './shapes';

type Context = Parameters<PayloadConverter['fromPayload']>[1];

/** Of results of activities and children nothing is let through: no handler would refuse them. */
const isSentToThisRun = (context: Context): boolean =>
  context?.type === 'workflow' && inWorkflowContext() && workflowInfo().workflowId === context.workflowId;

export const payloadConverter: PayloadConverter = {
  toPayload: (value, context, hint) => defaultPayloadConverter.toPayload(value, context, hint),
  fromPayload: (payload, context, hint) => {
    try {
      return defaultPayloadConverter.fromPayload(payload, context, hint);
    } catch (error) {
      if (!isSentToThisRun(context)) throw error;
      // It has no field at all, so that no shape takes it for what it should have been.
      return new Unreadable() as never;
    }
  },
};
