/** What the schedules are about: a run, the estate it meets, and what must be true when it is over. */
import type { EstateDefinitionInput } from '../../estate/world/definition';
import type { FailoverRecord } from '../../src/workflows/run/failover-record';
import { worldSnapshot } from '../support/world-snapshot';
import type { Acknowledged } from './application';
import type { Invariants } from './invariants';
import type { Person } from './person';
import { RUN } from './person';
import type { Stage } from './stage';

export interface Judged {
  readonly stage: Stage;
  readonly invariants: Invariants;
  /** The world before the run. */
  readonly before: Record<string, unknown>;
  readonly person: Person;
}

export interface Story {
  readonly workflowType: string;
  readonly estate: EstateDefinitionInput;
  /** Of the spec, YAML. */
  readonly sections: string;
  /** It stands for years, and is failed over on request. */
  readonly stands: boolean;
  judge(judged: Judged): Promise<void>;
}

export type StoryName = 'migration' | 'disaster-recovery';

const ESTATE: EstateDefinitionInput = {
  instances: [
    {
      kind: 'sql-server',
      name: 'SQL1',
      update: 'CU16',
      logins: [
        { name: 'sa', password: 'Ferry!Passw0rd' },
        { name: 'app', password: 'App!Passw0rd', roles: [] },
      ],
      databases: [{ name: 'Sales', dataBytes: 2_000_000_000, users: [{ name: 'app' }] }],
    },
    { kind: 'managed-instance', name: 'mi-west' },
  ],
};

const FENCE = 'fence: { disableLogins: [app] }';

export const STORIES: Readonly<Record<StoryName, Story>> = {
  migration: {
    workflowType: 'linkMigration',
    estate: ESTATE,
    sections: `
logBackups: { directory: "C:\\\\Backup", every: 15m }
cutover: { approval: { required: false }, ${FENCE} }
`,
    stands: false,
    judge: judgeMigration,
  },
  'disaster-recovery': {
    workflowType: 'disasterRecoveryLink',
    estate: ESTATE,
    sections: `
purpose: disaster-recovery
logBackups: { directory: "C:\\\\Backup", every: 30m }
cutover: { ${FENCE} }
failover: { coolDown: 1s }
polling: { steady: 2m }
`,
    stands: true,
    judge: judgeStanding,
  },
};

async function judgeMigration({ stage, invariants, before }: Judged): Promise<void> {
  const outcome = outcomeOf(stage);
  if (outcome === 'completed') {
    judgeNoLoss(stage, invariants, 'mi-west');
    if (!invariants.isOpen('mi-west')) invariants.broken('nobody can write where the primary is', 'mi-west');
    return;
  }
  const left = differences(before, worldSnapshot(stage.estate.world));
  if (outcome !== 'aborted' && left.length > 0) {
    invariants.broken('a run failed that had changed something', describeEnding(stage));
    return;
  }
  if (!invariants.isWritable('SQL1')) invariants.broken('after an abort nobody can write', 'SQL1');
  if (invariants.isFenced('SQL1')) invariants.broken('after an abort the fence is up', 'SQL1');
  judgeNoLoss(stage, invariants, 'SQL1');
  const isTold = JSON.stringify(resultOf(stage) ?? null).includes('left');
  if (left.length > 0 && !isTold) invariants.broken('an abort left something behind', left.join('; '));
}

async function judgeStanding({ stage, invariants, before, person }: Judged): Promise<void> {
  const outcome = outcomeOf(stage);
  if (outcome === 'aborted') return;
  if (outcome !== 'removed') {
    const left = differences(before, worldSnapshot(stage.estate.world));
    if (left.length > 0) invariants.broken('a run failed that had changed something', describeEnding(stage));
    return;
  }
  const { protection } = person.lastStanding ?? {};
  if (protection === undefined || protection === null) return;
  const leads = protection.primary === 'server' ? 'SQL1' : 'mi-west';
  if (!invariants.isOpen(leads)) invariants.broken('nobody can write where the primary is', leads);
  judgeLosses(stage, invariants, leads, protection.failovers);
}

/** A clock that is read may be this much late; rows are as old as their answers. */
const LOSS_MARGIN_MS = 5_000;

/** What is missing was lost in a forced failover, and no more than was told. */
function judgeLosses(
  stage: Stage,
  invariants: Invariants,
  leads: string,
  failovers: readonly FailoverRecord[],
): void {
  const missing = missingOn(stage, leads);
  const forced = failovers.filter(({ type, outcome }) => type !== 'planned' && outcome !== 'withdrawn');
  for (const [id, { on, at }] of missing) {
    const isTold = forced.some(({ loss, startedAt, endedAt }) => {
      if (at > Date.parse(endedAt)) return false;
      return loss?.seconds == null || at >= Date.parse(startedAt) - loss.seconds * 1_000 - LOSS_MARGIN_MS;
    });
    if (isTold) continue;
    const where = `row ${id}, acknowledged by ${on} at ${new Date(at).toISOString()}`;
    invariants.broken(
      'acknowledged rows are lost',
      `${missing.length} on ${leads}; ${where}; ${JSON.stringify(forced)}`,
    );
    return;
  }
}

const resultOf = (stage: Stage): unknown => {
  const ending = stage.service.execution(RUN)?.ending;
  return ending?.kind === 'completed' ? ending.result : undefined;
};

/** The failures, one inside the other, without their stacks. */
function describeEnding(stage: Stage): string {
  const ending = stage.service.execution(RUN)?.ending;
  if (ending?.kind !== 'failed') return JSON.stringify(ending);
  const messages: string[] = [];
  for (let error: unknown = ending.error; error instanceof Error; error = error.cause)
    messages.push(error.message);
  return messages.join(' <- ');
}

const outcomeOf = (stage: Stage): string | undefined =>
  (resultOf(stage) as { outcome?: string } | undefined)?.outcome;

const missingOn = (stage: Stage, side: string): readonly (readonly [number, Acknowledged])[] => {
  const rows = stage.rowsOn(side);
  return [...stage.application.acknowledged].filter(([id]) => !rows.has(id));
};

/** Every row that was promised is on the side that leads. */
function judgeNoLoss(stage: Stage, invariants: Invariants, side: string): void {
  const missing = missingOn(stage, side);
  if (missing.length === 0) return;
  invariants.broken(
    'acknowledged rows are lost',
    `${missing.length} on ${side}, the first ${JSON.stringify(missing[0])}`,
  );
}

function differences(before: Record<string, unknown>, after: Record<string, unknown>): readonly string[] {
  const found: string[] = [];
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    compare(key, before[key], after[key], found);
  }
  return found;
}

function compare(path: string, before: unknown, after: unknown, found: string[]): void {
  const was = JSON.stringify(before);
  const is = JSON.stringify(after);
  if (was === is) return;
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      compare(`${path}.${key}`, before[key], after[key], found);
    }
    return;
  }
  found.push(`${path}: was ${was?.slice(0, 200)}, is ${is?.slice(0, 200)}`);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
