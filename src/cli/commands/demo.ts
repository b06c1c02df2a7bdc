/** `sqlferry demo`: a database crosses, from nothing, with everything real but the platform. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verify, WorkloadWriter } from '../../../estate/workload/writer';
import { LinkMigrations, type LinkMigrationView } from '../../client/link-migrations';
import { formatDuration } from '../../model/duration';
import { connectClient } from '../../temporal/connection';
import { ensureSearchAttributes } from '../../temporal/search-attributes';
import { openTemporalServer } from '../../temporal/server';
import { administratorTarget, applicationTarget, DEMO_MIGRATION, startDemoEstate } from '../demo/estate';
import { readProof } from '../demo/proof';
import { Story } from '../demo/story';
import { WorkerProcess } from '../demo/worker-process';
import { CLIENT_SECRET_VARIABLE, passwordVariable, writeSpecFiles } from '../estate/spec-files';
import { EXIT, type ExitCode } from '../exit-codes';
import type { Output } from '../output';
import { loadLinkMigration } from '../spec-files';
import { table } from '../terminal/format';

export interface DemoOptions {
  /** Leave everything running at the end, until Ctrl-C. */
  readonly keep: boolean;
}

const TASK_QUEUE = 'sqlferry-demo';
const ROWS_PER_SECOND = 40;
/** The worker is killed once this much of the copy is done. */
const KILL_AT_PERCENT = 35;
/** Log backups to wait for before the cutover is approved. */
const BACKUPS_TO_SEE = 2;

interface DemoResult {
  readonly outcome: string;
  readonly phases: Readonly<Record<string, number>>;
  readonly acknowledgedRows: number;
  readonly rowsOnTarget: number;
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

export async function demo(output: Output, options: DemoOptions): Promise<ExitCode> {
  const folder = await mkdtemp(join(tmpdir(), 'sqlferry-demo-'));
  const closing: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  const interrupted = onInterrupt();
  try {
    const running = runDemo(output, options, folder, closing, interrupted);
    return await Promise.race([running, interrupted.then((): ExitCode => EXIT.interrupted)]);
  } finally {
    for (const close of closing.reverse()) await close().catch(() => undefined);
  }
}

async function runDemo(
  output: Output,
  options: DemoOptions,
  folder: string,
  closing: (() => Promise<void>)[],
  interrupted: Promise<void>,
): Promise<ExitCode> {
  const say = (line: string): void => (output.json ? output.note(line) : output.say(line));
  say(
    output.style.bold(
      'sqlferry demo: Sales (40 GB, simulated) moves from SQL Server 2022 to a managed instance',
    ),
  );

  const temporal = await openTemporalServer({
    ui: true,
    databaseFile: join(folder, 'temporal.db'),
    logLevel: 'error',
  });
  closing.push(() => temporal.stop());
  const estate = await startDemoEstate();
  closing.push(() => estate.close());
  const files = await writeSpecFiles(estate, folder);
  const migrationFile = join(folder, 'sales.yaml');
  await writeFile(migrationFile, DEMO_MIGRATION);
  const spec = await loadLinkMigration({ inventory: files.inventory, migration: migrationFile });

  const client = await connectClient(temporal.target);
  closing.push(async () => client.connection.close());
  const { usable } = await ensureSearchAttributes(client.connection, temporal.target.namespace);
  const migrations = new LinkMigrations(client, { taskQueue: TASK_QUEUE, visibility: async () => usable });

  const worker = new WorkerProcess(
    {
      ...process.env,
      TEMPORAL_ADDRESS: temporal.target.address,
      TEMPORAL_NAMESPACE: temporal.target.namespace,
      SQLFERRY_TASK_QUEUE: TASK_QUEUE,
      SQLFERRY_STATE_DIRECTORY: folder,
      SQLFERRY_SHUTDOWN_GRACE_SECONDS: '1',
      [CLIENT_SECRET_VARIABLE]: estate.azure.clientSecret,
      [passwordVariable('SQL1')]: estate.instance('SQL1').adminPassword,
      [passwordVariable('mi-west')]: estate.instance('mi-west').adminPassword,
      ESTATE_MASTER_KEY_PASSWORD: 'Master!Key0Passw0rd',
    },
    join(folder, 'worker.log'),
  );
  closing.push(() => worker.stop());
  const writer = new WorkloadWriter({ target: applicationTarget(estate, 'SQL1'), rate: ROWS_PER_SECOND });
  closing.push(() => writer.stop());

  const { name } = spec.migration;
  const story = new Story(output, migrations, name);
  story.chapter(
    1,
    'Set the stage',
    'a real Temporal server, simulated SQL Server and Azure on sockets, a worker',
  );
  story.line(
    `  Temporal ${temporal.target.address}${temporal.devServer?.uiUrl ? `, UI ${temporal.devServer.uiUrl}` : ''}`,
  );
  story.line(
    `  SQL1 127.0.0.1:${estate.instance('SQL1').port}, mi-west 127.0.0.1:${estate.instance('mi-west').port}, Azure ${estate.azure.endpoint}`,
  );
  let pid = await worker.start();
  story.line(`  worker ${pid} is ready`);
  writer.start();
  story.line(
    `  an application commits ${ROWS_PER_SECOND} numbered rows a second and notes which were acknowledged`,
  );

  const startedAt = Date.now();
  const started = await migrations.start(spec);
  story.chapter(
    2,
    'Trust, groups, link',
    'certificates exchanged, endpoint, availability groups, link through Azure',
  );
  await story.until((view) => story.isPast(view, 'link'));

  story.chapter(3, 'Seeding', 'the database is copied; the worker is killed on the way');
  await story.until((view) => seedingPercent(view) >= KILL_AT_PERCENT || story.isPast(view, 'seeding'));
  await worker.kill();
  story.line(`  ${output.style.red('✗')} worker ${pid} killed (SIGKILL)`);
  pid = await worker.start();
  story.line(`  ${output.style.green('✓')} worker ${pid} takes over; the copy went on meanwhile`);
  await story.until((view) => story.isPast(view, 'seeding'));

  story.chapter(4, 'Replicating', 'log backups on cadence; waiting for approval');
  await story.until((view) => view.status.logBackups.count > BACKUPS_TO_SEE);
  const answer = await migrations.approve(name, { by: 'demo', reason: 'the demo wants to see the end' });
  story.line(`  approve: ${answer.accepted ? answer.note : answer.reasons.join('; ')}`);

  story.chapter(5, 'Cutover', 'fence, equal LSNs, point of no return, failover, proof');
  const cutOver = await story.until((view) => view.status.rtoMs !== null);
  writer.repoint(applicationTarget(estate, 'mi-west'));
  const lsn = cutOver.status.pointOfNoReturn?.targetHardenedLsn ?? '';
  story.line(
    `  both sides stood at LSN ${lsn}; the application was out of service for ${formatDuration(cutOver.status.rtoMs ?? 0)}`,
  );
  story.line('  the application now writes to mi-west');
  const end = await story.until((view) => view.closedAt !== null);
  const totalMs = Date.now() - startedAt;

  story.chapter(6, 'Proof', 'acknowledged rows against the rows of the instance');
  await writer.stop();
  const verified = await verify(writer.acknowledged, administratorTarget(estate, 'mi-west'));
  const proof = readProof(estate, 'sales_app');
  const result: DemoResult = {
    outcome: end.status.outcome,
    phases: phaseSeconds(end),
    acknowledgedRows: verified.acknowledged,
    rowsOnTarget: verified.present,
    lostRows: verified.lost.length,
    duplicateSideEffects: proof.duplicateSideEffects,
    workerRestarts: 1,
    rtoMs: end.status.rtoMs,
    platformMs: proof.platformMs,
    totalMs,
    workflowId: started.workflowId,
    temporalAddress: temporal.target.address,
    temporalUi: temporal.devServer?.uiUrl ?? null,
  };
  summarise(story, output, result);
  output.result(result);
  if (options.keep) {
    story.line(`everything stays up; spec files in ${folder}; Ctrl-C ends it`);
    await interrupted;
  }
  const isSound =
    result.outcome === 'completed' && result.lostRows === 0 && result.duplicateSideEffects === 0;
  return isSound ? EXIT.ok : EXIT.failed;
}

function seedingPercent(view: LinkMigrationView): number {
  return view.pending.find((work) => work.progress?.activity === 'seeding')?.progress?.percent ?? 0;
}

function phaseSeconds(view: LinkMigrationView): Record<string, number> {
  const seconds: Record<string, number> = {};
  for (const { phase, startedAt, endedAt } of view.status.phases) {
    const spent = (Date.parse(endedAt ?? new Date().toISOString()) - Date.parse(startedAt)) / 1_000;
    seconds[phase] = Number(((seconds[phase] ?? 0) + spent).toFixed(2));
  }
  return seconds;
}

function summarise(story: Story, output: Output, result: DemoResult): void {
  const { style } = output;
  const good = (ok: boolean, text: string): string => (ok ? style.green(text) : style.red(text));
  const rows = [
    ['outcome', good(result.outcome === 'completed', result.outcome)],
    ['rows acknowledged', String(result.acknowledgedRows)],
    ['rows on mi-west', String(result.rowsOnTarget)],
    ['rows lost', good(result.lostRows === 0, String(result.lostRows))],
    ['effects made twice', good(result.duplicateSideEffects === 0, String(result.duplicateSideEffects))],
    ['worker restarts', String(result.workerRestarts)],
    ['out of service', formatDuration(result.rtoMs ?? 0)],
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

/** Resolves on the first Ctrl-C or SIGTERM, so that everything is taken down in order. */
function onInterrupt(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
