/** What `--help` says, taken apart. */
import { sqlferry } from './command';

export interface Help {
  readonly text: string;
  readonly description: string;
  /** Long names of the options, for example `--json`. */
  readonly options: readonly string[];
  /** First line of each option and argument. */
  readonly optionLines: readonly string[];
}

/** Names of all commands, from the lists in the helps; those below another one as `certificates rotate`. */
export async function commandNames(): Promise<readonly string[]> {
  const top = await listed([]);
  const below = await Promise.all(
    top.map(async (name) => (await listed([name])).map((sub) => `${name} ${sub}`)),
  );
  return [...top, ...below.flat()];
}

async function listed(path: readonly string[]): Promise<readonly string[]> {
  const { out } = await sqlferry([...path, '--help']);
  const start = out.indexOf('\nCommands:');
  if (start === -1) return [];
  return [...out.slice(start).matchAll(/^ {2}([a-z]+) /gm)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'help');
}

export async function helpOf(name: string): Promise<Help> {
  const { out: text, code } = await sqlferry([...name.split(' '), '--help']);
  if (code !== 0) throw new Error(text);
  const [, description = ''] = text.split('\n\n');
  const start = text.indexOf('Options:');
  const end = text.indexOf('\n\n', start);
  const optionLines = text
    .slice(start, end === -1 ? undefined : end)
    .split('\n')
    .filter((line) => /^ {2}-/.test(line));
  const options = optionLines.flatMap((line) => [...line.matchAll(/--[a-z-]+/g)].slice(0, 1).map(String));
  return { text, description, options, optionLines };
}
