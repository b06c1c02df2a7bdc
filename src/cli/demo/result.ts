/** What the demo found, as an object and as lines. */
import type { RunView } from '../../client/runs';
import { formatDuration } from '../../model/duration';
import type { Output } from '../output';
import { table } from '../terminal/format';
import type { Story } from './story';

export interface DemoResult {
  readonly outcome: string;
  readonly phases: Readonly<Record<string, number>>;
  readonly acknowledgedRows: number;
  readonly rowsOnInstance: number;
  readonly lostRows: number;
  readonly duplicateSideEffects: number;
  readonly workerRestarts: number;
  readonly rtoMs: number | null;
  readonly platformMs: number;
  readonly totalMs: number;
  readonly workflowId: string;
  readonly temporalAddress: string;
  readonly temporalUi: string | null;
}

export function phaseSeconds(view: RunView): Record<string, number> {
  const seconds: Record<string, number> = {};
  for (const { phase, startedAt, endedAt } of view.status.phases) {
    const spent = (Date.parse(endedAt ?? new Date().toISOString()) - Date.parse(startedAt)) / 1_000;
    seconds[phase] = Number(((seconds[phase] ?? 0) + spent).toFixed(2));
  }
  return seconds;
}

export function summarise(story: Story, output: Output, result: DemoResult): void {
  const { style } = output;
  const good = (ok: boolean, text: string): string => (ok ? style.green(text) : style.red(text));
  const rows = [
    ['outcome', good(result.outcome === 'completed', result.outcome)],
    ['rows acknowledged', String(result.acknowledgedRows)],
    ['rows on mi-west', String(result.rowsOnInstance)],
    ['rows lost', good(result.lostRows === 0, String(result.lostRows))],
    ['effects made twice', good(result.duplicateSideEffects === 0, String(result.duplicateSideEffects))],
    ['worker restarts', String(result.workerRestarts)],
    ['out of service', result.rtoMs === null ? 'not measured' : formatDuration(result.rtoMs)],
    [
      'total',
      `${formatDuration(result.totalMs)}, of which the platform ${formatDuration(result.platformMs)}`,
    ],
    ...Object.entries(result.phases).map(([phase, seconds]) => [
      `  ${phase}`,
      formatDuration(seconds * 1_000),
    ]),
  ];
  for (const line of table(
    rows.map(([label = '', value = '']) => [style.dim(label), value]),
    '  ',
  ).split('\n')) {
    story.line(line);
  }
  story.line('');
  const ui =
    result.temporalUi === null
      ? ''
      : `${result.temporalUi}/namespaces/default/workflows/${result.workflowId}`;
  if (ui !== '') story.line(`  history: ${ui} (while the demo runs: npm run demo -- --keep)`);
}
