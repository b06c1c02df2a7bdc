/**
 * Promise 9 on real sockets: something of the lost side hangs, and the act of a forced failover is scheduled within 20
 * seconds of the request. Measured by the times of Temporal's own events.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { type DevServer, startDevServer } from '../../src/temporal/dev-server';
import { FakeAzure } from '../adapters/azure/fake-azure';
import { until } from '../support/application';
import { type Stage, startStage } from '../support/scenario';
import { LINK_SECTIONS, linkEstate, standingLink } from '../support/standing-link';

/** One for each test: a run of the test before holds its name, and its turn among the failovers. */
let server: DevServer;
beforeEach(async () => {
  const cli = process.env.SQLFERRY_TEMPORAL_CLI;
  server = await startDevServer({ ...(cli === undefined ? {} : { cli }), logLevel: 'error' });
}, 60_000);
afterEach(() => server.stop());

const LIMIT_MS = 20_000;
const RUN = 'sqlferry-sales';
const FORCED = {
  by: 'head of operations',
  type: 'forced',
  to: 'instance',
  reason: 'SQL1 does not answer',
  acceptLossSeconds: 1_000_000,
  acknowledgedBy: 'head of operations',
} as const;

type History = Awaited<ReturnType<ReturnType<Stage['client']['workflow']['getHandle']>['fetchHistory']>>;
type HistoryEvent = NonNullable<History['events']>[number];

const eventsOf = async ({ client }: Stage, workflowId: string): Promise<readonly HistoryEvent[]> =>
  (await client.workflow.getHandle(workflowId).fetchHistory()).events ?? [];

const timeOf = ({ eventTime }: HistoryEvent): number =>
  Number(eventTime?.seconds ?? 0) * 1_000 + Math.floor((eventTime?.nanos ?? 0) / 1e6);

const isActivity = (event: HistoryEvent, type: string, step = ''): boolean => {
  const attributes = event.activityTaskScheduledEventAttributes;
  const input = Buffer.from(attributes?.input?.payloads?.[0]?.data ?? []).toString();
  return attributes?.activityType?.name === type && input.includes(step);
};

const failovers = async (stage: Stage): Promise<readonly string[]> =>
  (await eventsOf(stage, RUN)).flatMap(
    ({ startChildWorkflowExecutionInitiatedEventAttributes: begun }) => begun?.workflowId ?? [],
  );

/** A server that keeps its connections and answers nothing, nor lets anybody in. */
function freeze({ estate }: Stage): void {
  const action = { kind: 'drop', how: 'hang' } as const;
  estate.world.faults.add({ surface: 'sql', instance: 'SQL1', action: { ...action, when: 'before' } });
  estate.world.faults.add({ surface: 'login', instance: 'SQL1', action });
}

/** @returns milliseconds from the acceptance of the request to its act, by the events of both workflows */
async function forceAndMeasure(stage: Stage): Promise<number> {
  expect(await stage.migrations.failover('sales', FORCED)).toMatchObject({ accepted: true });
  const leads = async () => (await stage.migrations.view('sales')).status.protection?.primary === 'instance';
  await until('the instance leads', leads, 150_000);
  const asked = (await eventsOf(stage, RUN)).findLast(
    (event) => event.workflowExecutionUpdateAcceptedEventAttributes != null,
  );
  const forced = (await failovers(stage)).at(-1) ?? '';
  const act = (await eventsOf(stage, forced)).find((event) =>
    isActivity(event, 'performStep', 'instance.forced-failover'),
  );
  if (asked === undefined || act === undefined) throw new Error('the events are not there');
  return timeOf(act) - timeOf(asked);
}

describe('at rest', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await startStage({ estate: linkEstate(), server });
    await stage.startWorker();
    await standingLink(stage);
  }, 120_000);
  afterEach(() => stage.close());

  test('the watch looks at a server that hangs', async () => {
    freeze(stage);
    expect(await forceAndMeasure(stage)).toBeLessThanOrEqual(LIMIT_MS);
  }, 240_000);

  test('a log backup hangs', async () => {
    const { faults } = stage.estate.world;
    faults.add({
      surface: 'sql',
      instance: 'SQL1',
      statement: 'BACKUP LOG',
      action: { kind: 'drop', when: 'before', how: 'hang' },
    });
    await until('a log backup hangs', () => faults.list().some(({ struck }) => struck > 0), 60_000);
    expect(await forceAndMeasure(stage)).toBeLessThanOrEqual(LIMIT_MS);
  }, 240_000);
});

describe('behind the fence of a planned failover', () => {
  let stage: Stage;
  let receiver: FakeAzure;
  let silent: Server;
  const sockets = new Set<Socket>();

  /** The server hangs as soon as it is fenced. */
  async function fenceAndFreeze(): Promise<string> {
    let isFenced = false;
    receiver.handler = () => {
      if (!isFenced) freeze(stage);
      isFenced = true;
      return { status: 204 };
    };
    const planned = { by: 'dba', type: 'planned', to: 'instance', acknowledgedBy: 'dba' } as const;
    expect(await stage.migrations.failover('sales', planned)).toMatchObject({ accepted: true });
    await until('the server is fenced, and hangs', () => isFenced, 60_000);
    return (await failovers(stage)).at(-1) ?? '';
  }

  beforeEach(async () => {
    receiver = await FakeAzure.start();
    silent = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
    });
    await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
    const { port } = silent.address() as { port: number };
    stage = await startStage({
      estate: linkEstate(),
      server,
      env: {
        HOOK_URL: `${receiver.origin}/fenced`,
        SQLFERRY_NOTIFY_WEBHOOK: `https://127.0.0.1:${port}/`,
      },
    });
    await stage.startWorker();
    const hook = `{ name: fenced, type: webhook, url: "env:HOOK_URL", caFile: "${receiver.caFile}", timeout: 5s }`;
    const sections = LINK_SECTIONS.replace('cutover: {', 'cutover: { catchUpTimeout: 10s,');
    await standingLink(stage, `${sections}\nhooks: { whenFenced: [${hook}] }\n`);
  }, 120_000);
  afterEach(async () => {
    await stage.close();
    await receiver.stop();
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  test('a notifier hangs, and the failover gives way', async () => {
    await fenceAndFreeze();
    expect(await forceAndMeasure(stage)).toBeLessThanOrEqual(LIMIT_MS);
    expect(sockets.size).toBeGreaterThan(0);
  }, 240_000);

  test('the fence cannot be lifted: its undo hangs', async () => {
    const planned = await fenceAndFreeze();
    await until(
      'the fence is being lifted',
      async () => (await eventsOf(stage, planned)).some((event) => isActivity(event, 'undoStep')),
      90_000,
    );
    expect(await forceAndMeasure(stage)).toBeLessThanOrEqual(LIMIT_MS);
  }, 240_000);
});
