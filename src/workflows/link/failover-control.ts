/** What the link tells the failover that it began, and what people ask of it. */
import { unknownWord } from '../../model/by-word';
import { onSignal, refuseOtherUpdates } from '../incoming';
import { CONTROL_UPDATES } from '../run-control';
import { type FailoverControl, failoverControlSignal } from './disaster-recovery-messages';
import type { GivingWay } from './giving-way';
import type { LinkRun } from './run';
import { failoverControlShape } from './signal-shapes';

export function handleFailoverMessages(run: LinkRun, way: GivingWay): void {
  const hear = (control: FailoverControl) => hearControl(run, way, control);
  onSignal(failoverControlSignal, failoverControlShape, hear, (why) => run.noteIgnored(why));
  refuseOtherUpdates({
    run: 'a failover',
    updates: CONTROL_UPDATES,
    nextStep: `ask the link itself: sqlferry status ${run.spec.migration.name}`,
  });
}

/** Whatever a later version of the link may ask, is not for this one. */
function hearControl(run: LinkRun, way: GivingWay, control: FailoverControl): void {
  switch (control.kind) {
    case 'retry':
      run.control.retry();
      break;
    case 'pause':
      run.state.paused = true;
      break;
    case 'give-way':
      way.ask(control.by);
      break;
    default:
      unknownWord('control of a failover', control);
  }
  run.changes += 1;
}
