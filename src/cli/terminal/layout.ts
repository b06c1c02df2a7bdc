/** Lines that fit a terminal: long ones go on below, under their text. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of our own colours
const COLOURS = /\u001b\[\d+m/g;

export const visibleLength = (text: string): number => text.replaceAll(COLOURS, '').length;

/** More of one sentence than this is no help on a screen that is redrawn. */
const LINES_PER_TEXT = 3;

/** Where text begins after a label, a time with a sign, or an arrow: what goes on below stands under it. */
const HEAD = /^\s*(?:\S+ \d\d:\d\d:\d\d \S |[→✗✓!·] |\S+(?: \S+)* {2,})?/;

/**
 * @param width columns of the terminal
 * @returns the lines, each at most that wide; what does not fit into a few of them ends in an ellipsis
 */
export function fitLines(lines: readonly string[], width: number): string[] {
  return lines.flatMap((line) => (visibleLength(line) <= width ? [line] : wrapped(line, width)));
}

function wrapped(line: string, width: number): string[] {
  const plain = line.replaceAll(COLOURS, '');
  const head = HEAD.exec(plain)?.[0].length ?? 0;
  const indent = ' '.repeat(head < width / 2 ? head : 2);
  const rows: string[] = [''];
  for (const word of line.split(/(?<= )(?=\S)/)) {
    const row = rows.at(-1) ?? '';
    if (visibleLength(row + word.trimEnd()) <= width || row.trim() === '') rows[rows.length - 1] = row + word;
    else rows.push(indent + word);
  }
  const kept = rows.slice(0, LINES_PER_TEXT).map((row) => cut(row.trimEnd(), width));
  if (rows.length <= LINES_PER_TEXT) return kept;
  const last = kept.at(-1) ?? '';
  return [...kept.slice(0, -1), `${cut(last, width - 2)} …${CLOSE}`];
}

const CLOSE = '\u001b[0m';

/** A row that is wider all the same: a word without spaces, for example a path. */
function cut(row: string, width: number): string {
  if (visibleLength(row) <= width) return row;
  let visible = 0;
  let position = 0;
  for (const match of [...row.matchAll(COLOURS), undefined]) {
    const end = match?.index ?? row.length;
    if (visible + (end - position) >= width) {
      return `${row.slice(0, position + (width - 1 - visible))}…${match === undefined && position === 0 ? '' : CLOSE}`;
    }
    visible += end - position;
    position = end + (match?.[0].length ?? 0);
  }
  return row;
}
