/** How much longer a migration takes than the platform itself needs for it. */
import type { MigrationResult } from '../src/workflows/link/migration-result';
import type { BenchResult } from './report';
import { type BenchStage, startBenchStage } from './stage';

/** Simulated seconds per second. 24 GB at this speed keep the platform busy for some 20 s. */
const SPEED = 20;

/** The product's own intervals at that speed: its 30 s and 2 s would be 1.5 s and 0.1 s. */
const SECTIONS = `
logBackups: { directory: "C:\\\\Backup" }
cutover: { approval: { required: false } }
polling: { steady: 1500ms, seeding: 1500ms, active: 100ms }
`;

export async function benchMigration(): Promise<BenchResult> {
  const stage = await startBenchStage({
    clock: { speed: SPEED },
    // Azure takes minutes until it begins its first full backup; that wait is nobody's work.
    rates: { firstFullBackupDelayMs: 0 },
  });
  try {
    const startedAt = performance.now();
    await stage.migrations.start(stage.spec('bench', 'Sales', SECTIONS));
    const result = await stage.migrations.result('bench');
    const totalSeconds = (performance.now() - startedAt) / 1_000;
    if (result.outcome !== 'completed') throw new Error(`the migration ended ${result.outcome}`);
    return resultOf(stage, result, totalSeconds);
  } finally {
    await stage.close();
  }
}

function resultOf(stage: BenchStage, result: MigrationResult, totalSeconds: number): BenchResult {
  const { timeline } = stage.estate.world;
  const platformSeconds = timeline.busy().realMs / 1_000;
  const beyondSeconds = totalSeconds - platformSeconds;
  const beyondPercent = (beyondSeconds / platformSeconds) * 100;
  const rtoSeconds = (result.rtoMs ?? Number.NaN) / 1_000;
  return {
    benchmark: 'migration',
    method: `24 GB, one simulated second in ${1_000 / SPEED} ms; the platform's time is the union of its own operations`,
    figures: [
      { name: 'migration', value: totalSeconds, unit: 's' },
      { name: 'platform alone', value: platformSeconds, unit: 's' },
      { name: 'beyond the platform', value: beyondSeconds, unit: 's', aim: 2 },
      { name: 'beyond the platform, share', value: beyondPercent, unit: '%', aim: 5 },
      { name: 'applications kept out', value: rtoSeconds, unit: 's' },
    ],
    data: {
      speed: SPEED,
      migrationSeconds: totalSeconds,
      platformSeconds,
      beyondPlatformSeconds: beyondSeconds,
      beyondPlatformPercent: beyondPercent,
      fencedSeconds: rtoSeconds,
      workerCpuSeconds: stage.worker.cpuSeconds(),
      workerResidentMb: stage.worker.residentMb(),
      phaseSeconds: Object.fromEntries(
        result.phases.map(({ phase, startedAt, endedAt }) => [
          phase,
          (Date.parse(endedAt ?? startedAt) - Date.parse(startedAt)) / 1_000,
        ]),
      ),
      platformOperations: stage.estate.world
        .platformTimeline()
        .map(({ kind, startedRealMs, endedRealMs }) => ({
          kind,
          startSeconds: startedRealMs / 1_000,
          seconds: ((endedRealMs ?? startedRealMs) - startedRealMs) / 1_000,
        })),
    },
  };
}
