/** The ground of preflight-wire.test.ts: a sound estate, what a case changes of it, and the report over real sockets. */

import type { EstateDefinitionInput } from '../../estate/world/definition';
import { readLinkPreflightFacts } from '../../src/activities/link/observe-link';
import type { ArmRequest } from '../../src/model/arm-request';
import type { ResolvedLink } from '../../src/model/link/spec';
import type { CheckResult, PreflightReport } from '../../src/model/run/check';
import type { Clock } from '../../src/ports/clock';
import type { LinkPorts } from '../../src/ports/link-ports';
import { runLinkPreflight } from '../../src/rules/link/preflight';
import { openLocalPorts } from '../../src/worker/link-ports';
import { type EstateStage, startEstateStage } from '../support/scenario';

type Instances = NonNullable<EstateDefinitionInput['instances']>;
type InstanceInput = Instances[number];
export type ServerInput = Extract<InstanceInput, { kind: 'sql-server' }>;
export type ManagedInput = Extract<InstanceInput, { kind: 'managed-instance' }>;
export type DatabaseInput = NonNullable<ServerInput['databases']>[number];

/** An estate on which a migration has nothing to complain about. */
export interface World {
  readonly server?: Partial<ServerInput>;
  readonly database?: Partial<DatabaseInput>;
  readonly moreDatabases?: readonly DatabaseInput[];
  readonly instance?: Partial<ManagedInput>;
  readonly moreInstances?: readonly InstanceInput[];
  readonly groups?: EstateDefinitionInput['groups'];
}

export const LOGINS: NonNullable<ServerInput['logins']> = [
  { name: 'sa', password: 'Ferry!Passw0rd', roles: ['sysadmin'] },
  { name: 'sales_app', password: 'Sales!Passw0rd', roles: [] },
];

const sound = (world: World): EstateDefinitionInput => ({
  // Simulated and real time run alike, so that facts read one after the other are of one moment.
  clock: { speed: 1 },
  instances: [
    {
      kind: 'sql-server',
      name: 'SQL1',
      version: '2022',
      traceFlags: [1800, 9567],
      logins: LOGINS,
      databases: [{ name: 'Sales', brokerEnabled: true, ...world.database }, ...(world.moreDatabases ?? [])],
      ...world.server,
    },
    { kind: 'managed-instance', name: 'mi-west', ...world.instance },
    ...(world.moreInstances ?? []),
  ],
  ...(world.groups === undefined ? {} : { groups: world.groups }),
});

export const SOUND_SECTIONS = `
logBackups: { directory: "C:\\\\Backup" }
cutover: { fence: { disableLogins: [sales_app] } }
`;

/** What a case may do to the running estate before preflight looks at it. */
export interface Arranging {
  readonly stage: EstateStage;
  readonly spec: ResolvedLink;
  readonly ports: LinkPorts;
  readonly clock: Clock;
  /** Runs T-SQL over the wire, as a person would. */
  readonly onServer: (text: string) => Promise<void>;
  /** Sends a request to Resource Manager and waits for its end. */
  readonly onAzure: (request: ArmRequest) => Promise<void>;
}

export interface WireCase {
  readonly id: string;
  /** Name of the variation, where a check has several. */
  readonly what?: string;
  readonly world?: World;
  readonly arrange?: (arranging: Arranging) => Promise<void>;
  /** YAML of the migration's sections, in place of the sound ones. */
  readonly sections?: string;
  readonly database?: string;
  /** Changes of the inventory that fit the running estate. */
  readonly inventory?: (spec: ResolvedLink, stage: EstateStage) => ResolvedLink;
  /** Milliseconds between reading and judging. */
  readonly judgedAfterMs?: number;
  readonly outcome?: 'unknown';
  readonly evidence: RegExp;
  readonly remedy: RegExp;
  /** Other checks that cannot but fail with it. */
  readonly also?: readonly string[];
}

const ALWAYS_OPEN = ['certificate.authorities', 'database.version-store'];

/** Ids of checks that failed or stayed open, but for two remarks that every estate before its first link gets. */
export const openChecks = (report: PreflightReport): readonly string[] =>
  report.checks
    .filter(({ id, outcome }) => (outcome === 'failed' || outcome === 'unknown') && !ALWAYS_OPEN.includes(id))
    .map(({ id }) => id);

export const checkOf = (report: PreflightReport, id: string): CheckResult => {
  const found = report.checks.find((check) => check.id === id);
  if (found === undefined) throw new Error(`the report has no check ${id}`);
  return found;
};

/** Starts the estate of a case, reads it through real ports and judges it. @returns the report and what was written */
export async function preflightOverTheWire(
  given: Partial<WireCase>,
): Promise<{ readonly report: PreflightReport; readonly effectsOfReading: number }> {
  const stage = await startEstateStage({ estate: sound(given.world ?? {}) });
  const { pool, clock } = openLocalPorts(stage.env, () => {});
  try {
    const plain = stage.spec(given.sections ?? SOUND_SECTIONS, 'sales', given.database ?? 'Sales');
    const spec = given.inventory?.(plain, stage) ?? plain;
    if (given.arrange !== undefined)
      await given.arrange(await arranging(stage, plain, await pool.open(plain), clock));
    const before = stage.estate.world.journal.effective().length;
    const facts = await readLinkPreflightFacts(await pool.open(spec), spec, clock);
    const report = runLinkPreflight(facts, spec, clock.now() + (given.judgedAfterMs ?? 0));
    return { report, effectsOfReading: stage.estate.world.journal.effective().length - before };
  } finally {
    await pool.close();
    await stage.close();
  }
}

async function arranging(
  stage: EstateStage,
  spec: ResolvedLink,
  ports: LinkPorts,
  clock: Clock,
): Promise<Arranging> {
  return {
    stage,
    spec,
    ports,
    clock,
    onServer: (text) => ports.server.execute({ id: 'arrange', text, display: text, database: 'master' }),
    onAzure: async (request) => {
      let progress = await ports.azure.begin(request);
      while (progress.status === 'running') {
        await clock.sleep(50);
        progress = await ports.azure.poll(progress.operation);
      }
      if (progress.status !== 'succeeded') throw new Error(JSON.stringify(progress));
    },
  };
}
