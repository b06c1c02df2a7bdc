/** What the run tells the failover that it began, and what people ask of it. */
import { workflowInfo } from '@temporalio/workflow';
import { unknownWord } from '../../model/by-word';
import { onSignal, refuseOtherUpdates } from './incoming';
import type { Preemption } from './preemption';
import type { Run } from './run';
import { CONTROL_UPDATES } from './run-control';
import { failoverControlShape } from './signal-shapes';
import { type FailoverControl, type FromRun, failoverControlSignal, isFrom } from './standing-messages';

export function handleFailoverMessages(run: Run, way: Preemption): void {
  const hear = (control: FailoverControl & FromRun): void => {
    const { parent } = workflowInfo();
    if (parent !== undefined && isFrom(control, parent)) hearControl(run, way, control);
    else noteOthers(run, control);
  };
  onSignal(failoverControlSignal, failoverControlShape, hear, (why) => run.noteIgnored(why));
  refuseOtherUpdates({
    run: 'a failover',
    updates: CONTROL_UPDATES,
    nextStep: `ask the ${run.procedure.thing} itself: sqlferry status ${run.spec.settings.name}`,
  });
}

function noteOthers(run: Run, { from, kind }: FailoverControl & FromRun): void {
  const who = from?.workflowId ?? 'somebody without a name';
  run.noteIgnored(
    `${who} asked for ${kind}, but is not its ${run.procedure.thing}`,
    'failover.control-of-others',
  );
}

/** Whatever a later version may ask, is not for this one. */
function hearControl(run: Run, way: Preemption, control: FailoverControl): void {
  switch (control.kind) {
    case 'retry':
      run.control.retry();
      break;
    case 'pause':
      run.state.paused = true;
      break;
    case 'preempt':
      way.ask(control.by, control.at);
      break;
    default:
      unknownWord('control of a failover', control);
  }
  run.revision += 1;
}
