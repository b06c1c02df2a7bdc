import { userInfo } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { EXIT } from './exit-codes';
import { CliFailure } from './failure';
import type { Output } from './output';

/** Who asks: --by, else the user of the operating system. Temporal's own attribution stands beside it in the history. */
export const requester = (by: string | undefined): string => by ?? userInfo().username;

/**
 * Says what will happen and asks for a yes. With --yes nothing is asked; without a terminal and without --yes the
 * command is refused: a script must say that it means it.
 */
export async function confirm(output: Output, what: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (process.stdin.isTTY !== true) {
    throw new CliFailure(
      `not done without a yes, and there is no terminal to ask on. ${what}`,
      EXIT.refused,
      ['add --yes to go ahead'],
    );
  }
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await asking.question(`${what}\n${output.style.bold('Go ahead?')} [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliFailure('not done', EXIT.refused);
  } finally {
    asking.close();
  }
}
