/**
 * Azure at its worst, through the whole product: throttled, broken, silent after it accepted. Nothing is asked for
 * twice to effect; what passes by itself is sat out, and what does not waits for a person under its code.
 */
import type { FaultRuleInput } from '../../estate/faults/rules';
import type { EstateWorld } from '../../estate/world/world';
import { type EstateParts, estateWithApplication, until } from '../support/application';
import { closeServer, type Stage, startStage } from '../support/scenario';
import { worldSnapshot } from '../support/world-snapshot';

type ArmAction = Extract<FaultRuleInput, { surface: 'arm' }>['action'];

const GB = 1024 ** 3;
const TRUST = 'serverTrustCertificates';
const LINK = 'distributedAvailabilityGroups';
const INTERNAL = { kind: 'status', status: 500, code: 'InternalServerError' } as const;
const THROTTLED = { kind: 'status', status: 429, code: 'SubscriptionTooManyCreateUpdateRequests' } as const;

const QUICK_AZURE: EstateParts = { database: { dataBytes: GB } };

/** Two seconds from request to effect: the second try, after one, meets it under way. */
const SLOW_AZURE: EstateParts = {
  ...QUICK_AZURE,
  rates: { trustCertificateMs: 1_200_000, linkDeleteMs: 1_200_000, linkCreateMs: 120_000 },
};

/** A request without an answer is given 30 polls to show. */
const SECTIONS = `
logBackups: { directory: "C:\\\\Backup" }
cutover: { approval: { required: false } }
polling: { steady: 500ms, seeding: 500ms, active: 80ms, heartbeatTimeout: 5s }
`;

let stage: Stage;
let name: string;
let runs = 0;

async function open(parts: EstateParts): Promise<EstateWorld> {
  runs += 1;
  name = `sales-${runs}`;
  stage = await startStage({ estate: estateWithApplication(parts) });
  await stage.startWorker();
  return stage.estate.world;
}

afterEach(() => stage.close());
afterAll(closeServer);

const once = (method: 'GET' | 'PUT' | 'DELETE', path: string, action: ArmAction): FaultRuleInput => ({
  surface: 'arm',
  method,
  path,
  count: 1,
  action,
});

/** Effects of Azure, `METHOD type` of each request that changed the world. */
const armEffects = (world: EstateWorld): readonly string[] =>
  world.journal
    .effective()
    .filter(({ surface }) => surface === 'arm')
    .map(({ text }) => `${text.split(' ')[0]} ${text.split('/').at(-2)}`);

const MADE_ONCE = [`PUT ${TRUST}`, `PUT ${LINK}`, `DELETE ${LINK}`];

interface BadDay {
  readonly title: string;
  /** Dealt out to the requests in turn. */
  readonly actions: readonly ArmAction[];
  /** Whether an operation is followed at all: of one whose begin was not heard of nothing is known to follow. */
  readonly followed: boolean;
}

test.each<BadDay>([
  {
    title: 'throttled, told for how long or not',
    actions: [{ ...THROTTLED, retryAfter: 1 }, THROTTLED],
    followed: true,
  },
  { title: 'broken or out of reach', actions: [INTERNAL, { kind: 'drop' }], followed: true },
  { title: 'accepting without an answer', actions: [{ kind: 'lost-response' }], followed: false },
])('$title, whatever it is asked: it completes, and each effect is there once', async (day) => {
  const world = await open(day.followed ? QUICK_AZURE : SLOW_AZURE);
  const requests = [
    ['PUT', TRUST],
    ['PUT', LINK],
    ['DELETE', LINK],
    ['GET', `${LINK}/DAG_Sales$`],
    ...(day.followed ? [['GET', 'AzureAsyncOperation'] as const] : []),
  ] as const;
  for (const [index, [method, path]] of requests.entries()) {
    const action = day.actions[index % day.actions.length];
    if (action !== undefined) world.faults.add(once(method, path, action));
  }
  await stage.migrations.start(stage.spec(SECTIONS, name));
  expect(await stage.migrations.result(name)).toMatchObject({ outcome: 'completed' });
  expect(world.faults.list().filter(({ spent }) => !spent)).toEqual([]);
  expect(armEffects(world)).toEqual(MADE_ONCE);
}, 60_000);

test.each([
  ['and did nothing: they are begun again', false],
  ['and happened all the same: they are not', true],
])(
  "operations that failed for Azure's own reasons %s",
  async (_title, takesEffect) => {
    const world = await open(QUICK_AZURE);
    const failed: ArmAction = { kind: 'failed-operation', code: 'OperationTimedOut', takesEffect };
    for (const path of [TRUST, LINK]) world.faults.add(once('PUT', path, failed));
    world.faults.add(once('DELETE', LINK, failed));
    await stage.migrations.start(stage.spec(SECTIONS, name));
    expect(await stage.migrations.result(name)).toMatchObject({ outcome: 'completed' });
    expect(world.faults.list().filter(({ spent }) => !spent)).toEqual([]);
    expect(armEffects(world)).toEqual(MADE_ONCE);
  },
  60_000,
);

describe('what only a person can mend', () => {
  const LOCKED = { kind: 'status', status: 409, code: 'ScopeLocked' } as const;
  const NO_KEY = { kind: 'failed-operation', code: 'ManagedInstanceLinkTdeCertificateMissing' } as const;

  async function untilItWaits(code: string): Promise<void> {
    const status = async () => (await stage.migrations.view(name)).status;
    await until(`it waits under ${code}`, async () => (await status()).blockedBy?.code === code);
  }

  test('it waits under its code, each time, and goes on when told', async () => {
    const world = await open(QUICK_AZURE);
    world.faults.add(once('PUT', TRUST, LOCKED));
    world.faults.add(once('PUT', LINK, NO_KEY));
    world.faults.add(once('DELETE', LINK, LOCKED));
    await stage.migrations.start(stage.spec(SECTIONS, name));
    for (const [made, code] of ['AzureLocked', 'TdeCertificateMissing', 'AzureLocked'].entries()) {
      await untilItWaits(code);
      expect(armEffects(world)).toEqual(MADE_ONCE.slice(0, made));
      expect(await stage.migrations.resume(name, { by: 'tester' })).toMatchObject({ accepted: true });
      await until('it went on', () => armEffects(world).length > made);
    }
    expect(await stage.migrations.result(name)).toMatchObject({ outcome: 'completed' });
    expect(armEffects(world)).toEqual(MADE_ONCE);
  }, 60_000);

  test('an abort instead gives everything back', async () => {
    const world = await open(QUICK_AZURE);
    const was = worldSnapshot(world);
    world.faults.add(once('PUT', LINK, LOCKED));
    await stage.migrations.start(stage.spec(SECTIONS, name));
    await untilItWaits('AzureLocked');
    world.faults.add(once('DELETE', TRUST, { kind: 'lost-response' }));
    await stage.migrations.abort(name, { by: 'tester' });
    expect(await stage.migrations.result(name)).toMatchObject({ outcome: 'aborted', leftovers: [] });
    expect(worldSnapshot(world)).toEqual(was);
    expect(armEffects(world)).toEqual([`PUT ${TRUST}`, `DELETE ${TRUST}`]);
  }, 60_000);
});
