/** Results for people as a table, and for programs as one object in the last line. */

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Largest value that is aimed at; absent: no aim. */
  readonly aim?: number;
}

export interface BenchResult {
  readonly benchmark: string;
  /** How it was measured, one sentence. */
  readonly method: string;
  readonly figures: readonly Figure[];
  /** The same and more, under clear names. */
  readonly data: Readonly<Record<string, unknown>>;
}

export function printTable(result: BenchResult): void {
  const rows = result.figures.map((figure) => [
    figure.name,
    `${short(figure.value)} ${figure.unit}`,
    figure.aim === undefined ? '' : `at most ${figure.aim} ${figure.unit}`,
    figure.aim === undefined ? '' : isMet(figure) ? 'met' : 'MISSED',
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  process.stdout.write(`\n${result.benchmark}\n${result.method}\n\n${lines.join('\n')}\n`);
}

export const printJson = (results: readonly BenchResult[]): void => {
  const objects = results.map((result) => ({
    benchmark: result.benchmark,
    method: result.method,
    ...result.data,
    missedAims: result.figures.filter((figure) => !isMet(figure)).map((figure) => figure.name),
  }));
  process.stdout.write(`${JSON.stringify(objects.length === 1 ? objects[0] : objects)}\n`);
};

const isMet = ({ value, aim }: Figure): boolean => aim === undefined || value <= aim;

/** Three digits say all that a run on a busy machine can know. */
export const short = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(3))) : 'none';
