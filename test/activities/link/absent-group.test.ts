/** A link whose group somebody dropped: a clear failure, no statement without members (error 102). */
import type { LinkContext } from '../../../src/activities/link/context';
import { LINK_STEPS } from '../../../src/activities/link/steps/registry';
import { linkSpec } from '../../support/link-spec';

test('synchronous commit without a group is for a person', async () => {
  const context = {
    ports: { server: { name: 'sql1', query: async () => [] } },
    spec: linkSpec(),
    signal: new AbortController().signal,
  } as unknown as LinkContext;
  const seen = await LINK_STEPS['server.synchronous-commit'].look(context);
  expect(seen.settled).toBeUndefined();
  await expect(async () => seen.effects()).rejects.toMatchObject({
    code: 'LinkGroupMissing',
    message: expect.stringContaining('DAG_Sales'),
  });
});
