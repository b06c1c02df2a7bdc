/** What stands, stands for years: its spec is changed at a quiet point, as far as a rule lets it. */
import type { SpecChange } from '../../model/run/spec-change';
import { type Decision, refuse } from './answers';
import { answer, take } from './change-requests';
import type { Run } from './run';
import { type ChangeSpecRequest, changeSpecUpdate } from './standing-messages';
import { changeSpecShape } from './state-shape';

/** To be called before whatever has no handler is answered. */
export function handleSpecChange(run: Run): void {
  const shape = changeSpecShape(run.topology.specShape);
  run.on({
    update: changeSpecUpdate,
    shape,
    asked: () => 'change of the spec',
    decide: (request) => answerSpecChange(run, request),
  });
}

/** Decides at once; the new spec is in force as soon as the watch has ended. */
function answerSpecChange(run: Run, request: ChangeSpecRequest): Decision {
  return answer(run, { kind: 'change' }, (verdict, protection) => {
    const { changed, refused, warnings } = changeOf(run, request);
    const [first] = refused;
    if (first !== undefined) {
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
  run.topology.forgetChanged?.(run.state, changed);
  run.changeSpec(request.spec);
  run.revision += 1;
  run.logEvent('info', 'spec.changed', `the spec was changed by ${request.by}${why}: ${changed.join(', ')}`);
  for (const warning of warnings) run.logEvent('warning', 'spec.logins-left', warning);
}

const NOTHING: SpecChange = { changed: [], refused: [], warnings: [] };

const changeOf = (run: Run, { spec }: ChangeSpecRequest): SpecChange =>
  run.topology.specChange?.(run, spec) ?? NOTHING;
