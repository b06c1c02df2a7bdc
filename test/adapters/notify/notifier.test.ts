import { createNotifier } from '../../../src/adapters/notify';
import type { Notification } from '../../../src/ports/notifier';
import { FakeAzure } from '../azure/fake-azure';

const notification: Notification = {
  severity: 'critical',
  code: 'log-backup.alarm',
  workflowId: 'link-sales',
  title: 'The log is filling',
  message: '91 percent are used.',
  nextStep: 'Add space to the log.',
};
const line =
  'CRITICAL [log-backup.alarm] link-sales: The log is filling. 91 percent are used. Next step: Add space to the log.';

let receiver: FakeAzure;
beforeEach(async () => {
  receiver = await FakeAzure.start();
});
afterEach(() => receiver.stop());

async function notify(path = '/hook/secret-path?key=secret', timeoutMs = 5_000): Promise<readonly string[]> {
  const lines: string[] = [];
  const log = (text: string) => lines.push(text);
  const notifier = createNotifier({
    log,
    webhook: `${receiver.origin}${path}`,
    ca: receiver.caPem,
    timeoutMs,
  });
  await notifier.notify(notification);
  return lines;
}

test('a notification is a line of the log and a POST', async () => {
  receiver.handler = () => ({ status: 204 });
  await expect(notify()).resolves.toEqual([line]);
  expect(receiver.requests).toHaveLength(1);
  expect(receiver.requests[0]).toMatchObject({
    method: 'POST',
    url: '/hook/secret-path?key=secret',
    body: { source: 'sqlferry', ...notification },
  });
});

test.each([
  ['refuses', { status: 500 }, 'HTTP 500'],
  ['breaks the connection', { drop: true }, 'did not reach'],
  ['never answers', { hang: true }, 'did not reach'],
])('a receiver that %s is told of in the log, without its address', async (_, answer, part) => {
  receiver.handler = () => answer;
  const lines = await notify(undefined, 300);
  expect(lines[0]).toBe(line);
  expect(lines[1]).toContain(part);
  expect(lines.join()).not.toContain('secret');
});

test('only https is accepted', () => {
  expect(() => createNotifier({ log: () => undefined, webhook: 'http://example.test/hook' })).toThrow(
    'https',
  );
});
