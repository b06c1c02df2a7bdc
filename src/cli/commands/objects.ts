import type { LinkSite } from '../../model/link/side';
import { EXIT, type ExitCode } from '../exit-codes';
import { CliFailure } from '../failure';
import { withLocalPorts } from '../local-ports';
import type { Output } from '../output';
import { loadLinkMigration, type SpecFileOptions } from '../spec-files';
import { objectLines } from '../terminal/objects-view';

export interface ObjectsOptions extends SpecFileOptions {
  /** Show what is the same, too. */
  readonly all: boolean;
  /** By default the side that leads the link. */
  readonly primary?: string;
}

/** Compares what lives outside of the database on both sides, without Temporal. Reads only. */
export async function objects(output: Output, options: ObjectsOptions): Promise<ExitCode> {
  const asked = primaryOf(options.primary);
  const spec = await loadLinkMigration(options);
  const { atSites } = await import('../../activities/link/context');
  const { leadingSide } = await import('../../activities/link/leading-side');
  const { compareObjects } = await import('../../activities/sql-server/instance-objects');
  const report = await withLocalPorts(spec, async (context) =>
    compareObjects(atSites(context), asked ?? (await leadingSide(context))),
  );
  const section = spec.settings.instanceObjects;
  for (const line of objectLines(report, spec.settings, output.style, options.all)) output.say(line);
  if (section === undefined) {
    output.note(
      'the migration has no instanceObjects: a run copies nothing of this, and does not look at it',
    );
  }
  const drift = report.findings.filter(({ state }) => state !== 'same' && state !== 'remark').length;
  output.result({ ...report, policy: section?.drift ?? null, drift });
  return drift > 0 && section?.drift === 'block' ? EXIT.refused : EXIT.ok;
}

function primaryOf(side: string | undefined): LinkSite | undefined {
  switch (side) {
    case undefined:
      return undefined;
    case 'server':
      return 'server';
    case 'instance':
      return 'instance';
    default:
      throw new CliFailure(`--primary: "${side}" is no side of a link`, EXIT.usage, [
        'write server or instance',
      ]);
  }
}
