/** How long short commands take from start to end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { packageRoot } from '../src/temporal/package-root';
import type { BenchResult } from './report';
import { type BenchStage, startBenchStage } from './stage';

const TIMES = 9;

const SECTIONS = `
logBackups: { directory: "C:\\\\Backup" }
polling: { steady: 1s, seeding: 500ms, active: 100ms }
`;

export async function benchCli(): Promise<BenchResult> {
  const stage = await startBenchStage({ clock: { speed: 600 } });
  try {
    await stage.migrations.start(stage.spec('bench', 'Sales', SECTIONS));
    await untilReplicating(stage);
    const versionMs = await medianMs(['--version'], stage);
    const statusMs = await medianMs(['status', 'bench'], stage);
    return {
      benchmark: 'cli',
      method: `median of ${TIMES} starts as a process of its own, the first one left out`,
      figures: [
        { name: 'sqlferry --version', value: versionMs, unit: 'ms', aim: 150 },
        { name: 'sqlferry status', value: statusMs, unit: 'ms', aim: 500 },
      ],
      data: { versionMs, statusMs },
    };
  } finally {
    await stage.close();
  }
}

async function untilReplicating(stage: BenchStage): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  while ((await stage.migrations.view('bench')).status.phase !== 'replicating') {
    if (Date.now() > giveUpAt) throw new Error('the link does not replicate in time');
    await delay(200);
  }
}

/** The first start fills the compile cache and is not counted. */
async function medianMs(args: readonly string[], stage: BenchStage): Promise<number> {
  await startMs(args, stage);
  const times: number[] = [];
  for (let time = 0; time < TIMES; time += 1) times.push(await startMs(args, stage));
  return times.sort((a, b) => a - b)[Math.floor(TIMES / 2)] ?? Number.NaN;
}

async function startMs(args: readonly string[], stage: BenchStage): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [join(packageRoot(), 'bin', 'sqlferry.js'), ...args], {
    env: { ...process.env, TEMPORAL_ADDRESS: stage.address },
    stdio: 'ignore',
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`sqlferry ${args.join(' ')} ended with ${code}`);
  return performance.now() - startedAt;
}
