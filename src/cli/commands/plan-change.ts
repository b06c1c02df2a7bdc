/** plan --of: what a failover, a drill, a repair or the removal of a link that stands would do. */
import type { WantedChange } from '../../activities/run/plan-change';
import { EXIT, type ExitCode } from '../exit-codes';
import { CliFailure } from '../failure';
import { withLocalPorts } from '../local-ports';
import type { Output } from '../output';
import { sideOf } from '../side';
import { loadLinkMigration, type SpecFileOptions } from '../spec-files';
import { changeAsMarkdown, changeAsScript } from '../terminal/change-plan-view';

export interface ChangeOptions {
  readonly of?: 'failover' | 'drill' | 'repair' | 'removal';
  readonly to?: string;
  readonly force?: boolean;
  readonly survivor?: string;
}

export interface PlanChangeOptions extends SpecFileOptions, ChangeOptions {
  readonly of: NonNullable<ChangeOptions['of']>;
  readonly format: 'sql' | 'markdown';
}

/** Reads both ends; needs no Temporal. Changes nothing. */
export async function planChange(output: Output, options: PlanChangeOptions): Promise<ExitCode> {
  const change = changeOf(options);
  const spec = await loadLinkMigration(options);
  const { planLinkChange } = await import('../../activities/link/plan-change');
  const { Snapshots } = await import('../../activities/run/snapshots');
  const planned = await withLocalPorts(spec, (context) =>
    planLinkChange(context, new Snapshots(context.clock), change),
  );
  output.say(options.format === 'sql' ? changeAsScript(planned) : changeAsMarkdown(planned));
  for (const refusal of planned.refusals) output.note(`a run would be refused now: ${refusal}`);
  output.result(planned);
  return EXIT.ok;
}

/** @throws CliFailure when an option is missing, or belongs to another change */
export function changeOf({ of, to, force, survivor }: PlanChangeOptions): WantedChange {
  const foreign = [
    ...(to !== undefined && of !== 'failover' ? ['--to'] : []),
    ...(force === true && of !== 'failover' ? ['--force'] : []),
    ...(survivor !== undefined && of !== 'repair' ? ['--survivor'] : []),
  ];
  if (foreign.length > 0) {
    throw new CliFailure(`${foreign.join(' and ')} does not belong to a plan of a ${of}`, EXIT.usage);
  }
  switch (of) {
    case 'failover':
      return {
        kind: of,
        type: force === true ? 'forced' : 'planned',
        to: sideOf(given(to, of, '--to'), '--to'),
      };
    case 'drill':
      return { kind: of };
    case 'repair':
      return { kind: of, survivor: sideOf(given(survivor, of, '--survivor'), '--survivor') };
    case 'removal':
      return { kind: of };
  }
}

function given(text: string | undefined, of: string, option: string): string {
  if (text !== undefined) return text;
  throw new CliFailure(`a plan of a ${of} needs ${option}`, EXIT.usage, [
    `sqlferry plan migration.yaml --of ${of} ${option} instance`,
  ]);
}
