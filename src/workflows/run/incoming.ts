/**
 * The only way in for what others send to a workflow. What is not understood never acts: a request is rejected, a
 * signal noted and ignored, a start input ends the workflow. Nothing of it may throw inside of the run: that would
 * fail its every task from then on.
 */
import { ApplicationFailure, type UpdateDefinition } from '@temporalio/common';
import { type SignalDefinition, setDefaultUpdateHandler, setHandler } from '@temporalio/workflow';
import { shown } from '../../model/shown';
import { type Answer, type Decision, type Request, refuse } from './answers';
import { MalformedInput, type Shape } from './shapes';

/** One request that a run takes. */
export interface Incoming<Asked extends Request> {
  readonly update: UpdateDefinition<Answer, [Asked]>;
  readonly shape: Shape<Asked>;
  /** What is asked for, in words: `planned failover`. */
  asked(request: Asked): string;
  /** At once; it sees only what has the shape. */
  decide(request: Asked): Decision;
}

/** @param apply decides and notes, at once; it sees only what has the shape */
export function onUpdate<Request>(
  update: UpdateDefinition<Answer, [Request]>,
  shape: Shape<Request>,
  apply: (request: Request) => Answer,
): void {
  // Must stay synchronous: the SDK drops the promise of an async validator.
  const validator = (...args: readonly unknown[]): void => {
    shape(args[0], 'the request');
    if (args.length > 1) throw new MalformedInput('a request is one argument');
  };
  setHandler(update, apply, { validator });
}

/** @param ignored hears what was wrong with a signal that has another shape */
export function onSignal<Message>(
  signal: SignalDefinition<[Message]>,
  shape: Shape<Message>,
  apply: (message: Message) => void,
  ignored: (why: string) => void,
): void {
  setHandler(signal, (message: unknown) => {
    const understood = tried(shape, message);
    if (typeof understood === 'string') ignored(`signal ${signal.name} ignored: ${understood}`);
    else apply(understood.message);
  });
}

/** @returns the message, or what is wrong with it */
function tried<Message>(shape: Shape<Message>, message: unknown): { readonly message: Message } | string {
  try {
    return { message: shape(message, 'the signal') };
  } catch (error) {
    if (error instanceof MalformedInput) return error.message;
    throw error;
  }
}

/** @throws ApplicationFailure `MalformedInput`: what is wrong now is wrong at every attempt */
export function checkInput(workflowType: string, shape: Shape<unknown>, input: unknown): void {
  try {
    shape(input, 'the input');
  } catch (error) {
    if (!(error instanceof MalformedInput)) throw error;
    throw ApplicationFailure.create({
      type: 'MalformedInput',
      nonRetryable: true,
      message: `start input of ${workflowType}: ${error.message}`,
      details: [
        { remedy: 'start it with the sqlferry command line or its client, which check what they send' },
      ],
    });
  }
}

/** Which requests a kind of run takes. */
export interface Takes {
  /** The run in words: `a migration`. */
  readonly run: string;
  readonly updates: readonly { readonly name: string }[];
  readonly nextStep: string;
}

/** Any other request is answered as well. To be called behind all handlers: it takes what waits for one. */
export function refuseOtherUpdates({ run, updates, nextStep }: Takes): void {
  const known = updates.map(({ name }) => name).join(', ');
  setDefaultUpdateHandler((update) =>
    refuse(
      'request.other-kind-of-run',
      `this run is ${run} and takes no request ${shown(update)}; it takes ${known}`,
      nextStep,
    ),
  );
}
