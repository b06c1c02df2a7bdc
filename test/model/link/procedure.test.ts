import { forReplicas, linkProcedure } from '../../../src/model/link/procedure';

const procedure = linkProcedure('planned-failover', 'remove-link', 'trace-flag-12381');

test('with one server the procedure is what it was', () => {
  expect(forReplicas(procedure, [])).toBe(procedure);
});

test('trust comes first for every replica, server by server; trace flags on all; the rest on whoever leads', () => {
  const steps = forReplicas(procedure, ['sql1', 'sql2']);
  const trust = procedure.filter(({ phase }) => phase === 'trust').map(({ id }) => id);
  expect(steps.filter(({ phase }) => phase === 'trust').map(({ id, server }) => [server, id])).toEqual(
    ['sql1', 'sql2'].flatMap((server) => trust.map((id) => [server, id])),
  );
  expect(steps.filter(({ id }) => id.endsWith('-log')).map(({ id, server }) => `${id} ${server}`)).toEqual([
    'server.keep-log sql1',
    'server.keep-log sql2',
    'server.release-log sql1',
    'server.release-log sql2',
  ]);
  const others = steps.filter(({ phase, id }) => phase !== 'trust' && !id.endsWith('-log'));
  expect(others.filter(({ server }) => server !== undefined)).toEqual([]);
  expect(others.map(({ id }) => id)).toEqual(
    procedure.filter(({ phase, id }) => phase !== 'trust' && !id.endsWith('-log')).map(({ id }) => id),
  );
});
