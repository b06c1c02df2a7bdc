/** A view is judged by one time: this machine's, but never before what Temporal itself told. */
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { SqlFerry } from '../../src/client/runs';

const MINUTE = 60_000;
const iso = (ms: number): string => new Date(ms).toISOString();

function clientWith(lastHeartbeat: number, statusAsOf: string | undefined) {
  const asked: unknown[] = [];
  const heartbeat = {
    version: 1,
    progress: { version: 1, activity: 'watch', lagSeconds: 2, observedAt: iso(0) },
  };
  const client = {
    connection: { withDeadline: (_at: number, work: () => unknown) => work() },
    options: { loadedDataConverter: { payloadConverter: defaultPayloadConverter, payloadCodecs: [] } },
    workflow: {
      getHandle: () => ({
        describe: async () => ({
          taskQueue: 'q',
          startTime: new Date(0),
          raw: {
            pendingActivities: [
              {
                activityType: { name: 'watch' },
                attempt: 1,
                state: 2,
                lastHeartbeatTime: {
                  seconds: BigInt(Math.floor(lastHeartbeat / 1_000)),
                  nanos: (lastHeartbeat % 1_000) * 1e6,
                },
                heartbeatDetails: { payloads: [defaultPayloadConverter.toPayload(heartbeat)] },
              },
            ],
          },
        }),
        query: async (_name: string, ...args: unknown[]) => {
          asked.push(...args);
          return { asOf: statusAsOf };
        },
      }),
    },
  };
  return { asked, ferry: new SqlFerry(client as unknown as Client, { visibility: async () => true }) };
}

test.each([
  ['as it should be', -MINUTE, false],
  ['seven minutes behind', 7 * MINUTE, true],
])('the clock of this machine is %s', async (_, ahead, isTemporals) => {
  const told = Date.now() + ahead;
  const { ferry, asked } = clientWith(told, iso(told - 5_000));
  const before = Date.now();
  const view = await ferry.view('sales');
  if (isTemporals) expect(Date.parse(view.asOf)).toBe(told);
  else expect(Date.parse(view.asOf)).toBeGreaterThanOrEqual(before);
  expect(view.pending[0]?.toldAt).toBe(iso(told));
  // The workflow is told when it is asked.
  expect(Date.parse((asked[0] as { now: string }).now)).toBeGreaterThanOrEqual(before);
});

test('a worker of an older version does not say by which time it judged', async () => {
  const { ferry } = clientWith(0, undefined);
  const before = Date.now();
  expect(Date.parse((await ferry.view('sales')).asOf)).toBeGreaterThanOrEqual(before);
});
