/** A link stands for years: its spec is changed at a quiet point, as far as a rule lets it. */
import { specChange } from '../../rules/link/spec-change';
import { type Answer, refuse } from '../run/answers';
import { answer, take } from '../run/change-requests';
import { onUpdate } from '../run/incoming';
import type { Run } from '../run/run';
import { type ChangeSpecRequest, changeSpecUpdate } from '../run/standing-messages';
import { changeSpecShape } from './spec-shape';

/** To be called before `handleProtectionMessages`, which answers whatever has no handler. */
export function handleSpecChange(run: Run): void {
  onUpdate(changeSpecUpdate, changeSpecShape, (request) => answerSpecChange(run, request));
}

/** Decides at once; the new spec is in force as soon as the watch of the link has ended. */
function answerSpecChange(run: Run, request: ChangeSpecRequest): Answer {
  return answer(run, request.by, { kind: 'change' }, (verdict, protection) => {
    const { changed, refused, warnings } = changeOf(run, request);
    const [first] = refused;
    if (first !== undefined) {
      run.noteRefused(
        first.ruleId,
        `the change of the spec asked for by ${request.by} was refused: ${first.reason}`,
      );
      return {
        accepted: false,
        rule: first.ruleId,
        reasons: refused.map(({ field, ruleId, reason }) => `${field}: ${reason} [${ruleId}]`),
        nextSteps: [...new Set(refused.map(({ nextStep }) => nextStep))],
      };
    }
    if (changed.length === 0)
      return refuse('spec.unchanged', 'nothing differs from the spec in force', 'look at the files again');
    const sentence = [`${verdict.sentence}: ${changed.join(', ')}`, ...warnings].join('; ');
    return take(run, protection, { kind: 'change-spec', request }, { ...verdict, sentence });
  });
}

/** To be called when nothing is under way: whatever begins from here on has the new spec. */
export function applySpecChange(run: Run, request: ChangeSpecRequest): void {
  const { changed, warnings } = changeOf(run, request);
  const why = request.reason === undefined ? '' : ` (${request.reason})`;
  if (changed.some((field) => field.startsWith('instanceObjects'))) delete run.state.instanceObjects;
  run.changeSpec(request.spec);
  run.revision += 1;
  run.logEvent('info', 'spec.changed', `the spec was changed by ${request.by}${why}: ${changed.join(', ')}`);
  for (const warning of warnings) run.logEvent('warning', 'spec.logins-left', warning);
}

const changeOf = (run: Run, { spec }: ChangeSpecRequest) =>
  specChange(run.spec, spec, { fenceIsLeft: (run.state.unliftedFences ?? []).length > 0 });
