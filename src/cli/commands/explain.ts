import { explain as explainCode } from '../../rules/errors/catalogue';
import { EXIT, type ExitCode } from '../exit-codes';
import { CliFailure } from '../failure';
import type { Output } from '../output';
import { table } from '../terminal/format';

/** Prints what is known of an error number of SQL Server, a code of Azure, or a code of this product. */
export function explain(output: Output, code: string): ExitCode {
  const found = explainCode(code);
  if (!found.found) {
    const near = found.suggestions.length === 0 ? [] : [`did you mean ${found.suggestions.join(', ')}?`];
    throw new CliFailure(`"${code}" is not in the error catalogue`, EXIT.notFound, near);
  }
  const { entry } = found;
  const reaction = {
    retry: 'passes by itself: it is tried again',
    'already-done': 'the effect is there already: counts as success',
    'needs-person': 'a person must change something first',
    informational: 'information only',
  }[entry.reaction];
  output.say(
    table([
      [output.style.dim('code'), output.style.bold(entry.code)],
      [output.style.dim('matches'), entry.matches.join(', ')],
      [output.style.dim('meaning'), entry.meaning],
      [output.style.dim('reaction'), reaction],
      [output.style.dim('remedy'), entry.remedy],
      [output.style.dim('source'), entry.source],
    ]),
  );
  output.result(entry);
  return EXIT.ok;
}
