/** What a run says against a request reaches whoever asked, in its words. */
import {
  ApplicationFailure,
  type Client,
  QueryNotRegisteredError,
  ServiceError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { Certificates } from '../../src/client/certificates';
import { SqlFerry } from '../../src/client/runs';

const WHY = 'type must be "planned" or "forced"; got "Planned"';

/** A client all of whose requests end with this error. */
function clientThatFails(error: Error): Client {
  const fails = () => Promise.reject(error);
  return {
    connection: { withDeadline: (_deadline: unknown, work: () => Promise<unknown>) => work() },
    workflow: { getHandle: () => ({ executeUpdate: fails, query: fails, describe: fails }) },
  } as unknown as Client;
}

const rejected = new WorkflowUpdateFailedError(
  'Workflow Update failed',
  ApplicationFailure.create({ message: WHY, type: 'MalformedInput' }),
);
const migrations = (error: Error) => new SqlFerry(clientThatFails(error), { visibility: async () => false });

test('of a link or a migration', async () => {
  await expect(migrations(rejected).pause('sales', { by: 'ann' })).rejects.toMatchObject({
    name: 'RequestRejected',
    message: `the run of "sales" did not take this request: ${WHY}`,
  });
});

test('of a rotation', async () => {
  const certificates = new Certificates(clientThatFails(rejected));
  await expect(certificates.abort('sql1', { by: 'ann' })).rejects.toMatchObject({
    name: 'RequestRejected',
    message: expect.stringContaining(WHY),
  });
});

test('a run whose code fails is not taken for a worker that is missing', async () => {
  const failing = new QueryNotRegisteredError('Invalid time value', 3);
  await expect(migrations(failing).journal('sales')).rejects.toMatchObject({
    name: 'RunCannotAnswer',
    message: expect.stringContaining('Invalid time value'),
  });
  const cause = Object.assign(new Error('Workflow Task in failed state'), { code: 9 });
  await expect(
    migrations(new ServiceError('Failed to query', { cause })).journal('sales'),
  ).rejects.toMatchObject({
    name: 'RunCannotAnswer',
  });
  const late = Object.assign(new Error('deadline'), { code: 4 });
  await expect(
    migrations(new ServiceError('Failed to query', { cause: late })).journal('sales'),
  ).rejects.toMatchObject({ name: 'NoWorkerAnswers' });
});
