import { systemClock } from '../../../src/adapters/clock';
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

function notifierOf(lines: string[], timeoutMs = 5_000) {
  const log = (text: string) => lines.push(text);
  const webhook = `${receiver.origin}/hook/secret-path?key=secret`;
  return createNotifier({ clock: systemClock, log, webhook, ca: receiver.caPem, timeoutMs });
}

test('a notification is a line of the log and a POST', async () => {
  receiver.handler = () => ({ status: 204 });
  const lines: string[] = [];
  await notifierOf(lines).notify(notification);
  expect(lines).toEqual([line]);
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
])('a receiver that %s has not been told: it fails, without its address', async (_, answer, part) => {
  receiver.handler = () => answer;
  const lines: string[] = [];
  const told = notifierOf(lines, 300).notify(notification);
  const failure = await told.then(
    () => 'delivered',
    (error: Error) => error.message,
  );
  expect(failure).toContain(part);
  expect(lines[0]).toBe(line);
  expect(lines[1]).toContain(part);
  expect([failure, ...lines].join()).not.toContain('secret');
});

test('tried again until it is delivered, it is one line of the log; told anew, it is another', async () => {
  const lines: string[] = [];
  const notifier = notifierOf(lines);
  const failed = expect.stringContaining('did not reach the web hook');
  receiver.handler = () => ({ status: 503 });
  await expect(notifier.notify(notification)).rejects.toThrow();
  await expect(notifier.notify(notification)).rejects.toThrow();
  receiver.handler = () => ({ status: 204 });
  await notifier.notify(notification);
  expect(lines).toEqual([line, failed]);
  await notifier.notify(notification);
  expect(lines).toEqual([line, failed, line]);
});

test('only https is accepted', () => {
  expect(() =>
    createNotifier({ clock: systemClock, log: () => undefined, webhook: 'http://example.test/hook' }),
  ).toThrow('https');
});
