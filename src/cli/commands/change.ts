/** change: puts a new spec in force for a link that stands. */
import type { SpecChange } from '../../model/run/spec-change';
import { specChange } from '../../rules/link/spec-change';
import { confirm } from '../asking';
import { EXIT } from '../exit-codes';
import { CliFailure } from '../failure';
import type { Output } from '../output';
import { loadLinkMigration } from '../spec-files';
import { withMigrations } from '../temporal';
import { type RequestOptions, request, show } from './requests';

export interface ChangeOptions extends RequestOptions {
  readonly inventory: string;
  /** True: nothing is sent. */
  readonly dryRun?: boolean;
}

/** Shows the fields that differ from the spec in force, asks for a yes, and sends the new spec. */
export async function change(
  output: Output,
  name: string,
  migration: string,
  options: ChangeOptions,
): Promise<void> {
  const spec = await loadLinkMigration({ migration, inventory: options.inventory });
  await withMigrations(options, async (migrations) => {
    const found = specChange(await migrations.spec(name), spec, { fenceIsLeft: false });
    for (const line of linesOf(found)) output.say(line);
    throwIfRefused(name, found);
    if (options.dryRun) {
      output.result({ name, changed: found.changed, warnings: found.warnings });
      return;
    }
    if (found.changed.length > 0) {
      await confirm(output, `This changes the spec of ${name} while its link stands.`, options.yes ?? false);
    }
    show(output, 'change', name, await migrations.changeSpec(name, { ...request(options), spec }));
  });
}

function linesOf({ changed, refused, warnings }: SpecChange): readonly string[] {
  if (changed.length + refused.length === 0) return ['nothing differs from the spec in force'];
  return [
    ...changed.map((field) => `changes       ${field}`),
    ...refused.map(({ field, reason }) => `cannot change ${field}: ${reason}`),
    ...warnings.map((warning) => `note          ${warning}`),
  ];
}

function throwIfRefused(name: string, { refused, changed }: SpecChange): void {
  if (refused.length === 0) return;
  throw new CliFailure(
    `change ${name}: refused: ${refused.map(({ field, ruleId }) => `${field} [${ruleId}]`).join('; ')}`,
    EXIT.refused,
    [...new Set(refused.map(({ nextStep }) => nextStep))],
    { refused, changed },
  );
}
