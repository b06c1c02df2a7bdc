/** `sqlferry demo`: a database crosses, from nothing, with everything real but the platform. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verify } from '../../../estate/workload/writer';
import type { RunView } from '../../client/runs';
import { formatDuration } from '../../model/duration';
import { administratorTarget, applicationTarget } from '../demo/estate';
import { readProof } from '../demo/proof';
import { type DemoResult, phaseSeconds, summarise } from '../demo/result';
import { type DemoStage, openStage, ROWS_PER_SECOND } from '../demo/stage';
import { Story } from '../demo/story';
import { EXIT, type ExitCode } from '../exit-codes';
import type { Output } from '../output';

export interface DemoOptions {
  /** Leave everything running at the end, until Ctrl-C. */
  readonly keep: boolean;
}

/** The worker is killed once this much of the copy is done. */
const KILL_AT_PERCENT = 35;
/** Log backups to wait for before the cutover is approved. */
const BACKUPS_TO_SEE = 2;

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
  const stage = await openStage(folder, closing);
  const story = new Story(output, stage.migrations, stage.spec.settings.name);
  const pid = await setTheStage(stage, story);

  const startedAt = Date.now();
  const { workflowId } = await stage.migrations.start(stage.spec);
  await connect(story);
  await seed(stage, story, output, pid);
  await replicate(stage, story);
  const end = await cutOver(stage, story);
  const totalMs = Date.now() - startedAt;

  const result = await prove(stage, story, { end, totalMs, workflowId });
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

/** @returns the process id of the worker */
async function setTheStage({ temporal, estate, worker, writer }: DemoStage, story: Story): Promise<number> {
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
  const pid = await worker.start();
  story.line(`  worker ${pid} is ready`);
  writer.start();
  story.line(
    `  an application commits ${ROWS_PER_SECOND} numbered rows a second and notes which were acknowledged`,
  );
  return pid;
}

async function connect(story: Story): Promise<void> {
  story.chapter(
    2,
    'Trust, groups, link',
    'certificates exchanged, endpoint, availability groups, link through Azure',
  );
  await story.until((view) => story.isPast(view, 'link'));
}

/** The worker dies in the middle of the copy, and another one takes over. */
async function seed({ worker }: DemoStage, story: Story, { style }: Output, pid: number): Promise<void> {
  story.chapter(3, 'Seeding', 'the database is copied; the worker is killed on the way');
  await story.until((view) => seedingPercent(view) >= KILL_AT_PERCENT || story.isPast(view, 'seeding'));
  await worker.kill();
  story.line(`  ${style.red('✗')} worker ${pid} killed (SIGKILL)`);
  const next = await worker.start();
  story.line(`  ${style.green('✓')} worker ${next} takes over; the copy went on meanwhile`);
  await story.until((view) => story.isPast(view, 'seeding'));
}

async function replicate({ migrations, spec }: DemoStage, story: Story): Promise<void> {
  story.chapter(4, 'Replicating', 'log backups on cadence; waiting for approval');
  await story.until((view) => view.status.logBackups.count > BACKUPS_TO_SEE);
  const answer = await migrations.approve(spec.settings.name, {
    by: 'demo',
    reason: 'the demo wants to see the end',
  });
  story.line(`  approve: ${answer.accepted ? answer.note : answer.reasons.join('; ')}`);
}

/** @returns the run at its end */
async function cutOver({ writer, estate }: DemoStage, story: Story): Promise<RunView> {
  story.chapter(5, 'Cutover', 'fence, equal LSNs, point of no return, failover, proof');
  const { status } = await story.until((view) => view.status.rtoMs !== null);
  writer.repoint(applicationTarget(estate, 'mi-west'));
  const lsn = status.pointOfNoReturn?.secondaryHardenedLsn ?? '';
  story.line(
    `  both sides stood at LSN ${lsn}; the application was out of service for ${status.rtoMs === null ? 'a time that is not known' : formatDuration(status.rtoMs)}`,
  );
  story.line('  the application now writes to mi-west');
  return story.until((view) => view.closedAt !== null);
}

interface EndedRun {
  readonly end: RunView;
  readonly totalMs: number;
  readonly workflowId: string;
}

async function prove(
  { temporal, estate, writer }: DemoStage,
  story: Story,
  { end, totalMs, workflowId }: EndedRun,
): Promise<DemoResult> {
  story.chapter(6, 'Proof', 'acknowledged rows against the rows of the instance');
  await writer.stop();
  const verified = await verify(writer.acknowledged, administratorTarget(estate, 'mi-west'));
  const proof = readProof(estate, 'sales_app');
  return {
    outcome: end.status.outcome,
    phases: phaseSeconds(end),
    acknowledgedRows: verified.acknowledged,
    rowsOnInstance: verified.present,
    lostRows: verified.lost.length,
    duplicateSideEffects: proof.duplicateSideEffects,
    workerRestarts: 1,
    rtoMs: end.status.rtoMs,
    platformMs: proof.platformMs,
    totalMs,
    workflowId,
    temporalAddress: temporal.target.address,
    temporalUi: temporal.devServer?.uiUrl ?? null,
  };
}

function seedingPercent(view: RunView): number {
  return view.pending.find((work) => work.progress?.activity === 'seeding')?.progress?.percent ?? 0;
}

/** Resolves on the first Ctrl-C or SIGTERM, so that everything is taken down in order. */
function onInterrupt(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
