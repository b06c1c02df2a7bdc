import type { LinkPlan } from '../../activities/link/plan';
import { EXIT, type ExitCode } from '../exit-codes';
import { CliFailure } from '../failure';
import { withLocalPorts } from '../local-ports';
import type { Output } from '../output';
import { loadLinkMigration, type SpecFileOptions } from '../spec-files';
import { planAsMarkdown, planAsScript } from '../terminal/plan-view';
import { type ChangeOptions, planChange } from './plan-change';

export interface PlanOptions extends SpecFileOptions, ChangeOptions {
  readonly format: 'sql' | 'markdown';
}

/** Prints every statement and request of a run, in order, with what would undo each. Changes nothing. */
export async function plan(output: Output, options: PlanOptions): Promise<ExitCode> {
  if (options.of !== undefined) return planChange(output, { ...options, of: options.of });
  requireNoChange(options);
  const spec = await loadLinkMigration(options);
  const { preflight } = await import('../../activities/link/preflight');
  const { planLinkMigration } = await import('../../activities/link/plan');
  const { planned, report } = await withLocalPorts(spec, async (context) => {
    const outcome = await preflight(context);
    return { planned: await planLinkMigration(context, outcome.route), report: outcome.report };
  });
  output.say(render(planned, options.format));
  if (report.blockers > 0) {
    output.note(
      `preflight finds ${report.blockers} blocker${report.blockers === 1 ? '' : 's'}: a run would stop before the first statement; see: sqlferry preflight`,
    );
  }
  output.result({ ...planned, blockers: report.blockers });
  return EXIT.ok;
}

/** The options of a change without the change: the plan of a set-up would be no answer to them. */
function requireNoChange({ to, force, survivor }: ChangeOptions): void {
  if (to === undefined && force !== true && survivor === undefined) return;
  throw new CliFailure(
    '--to, --force and --survivor belong to a plan --of failover or --of repair',
    EXIT.usage,
    ['sqlferry plan migration.yaml --of failover --to instance'],
  );
}

function render(planned: LinkPlan, format: PlanOptions['format']): string {
  switch (format) {
    case 'sql':
      return planAsScript(planned);
    case 'markdown':
      return planAsMarkdown(planned);
  }
}
