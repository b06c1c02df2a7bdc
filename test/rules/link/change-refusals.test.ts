/** Why a change of a link would be refused, by the roles that both sides tell. */
import type { CutoverRoute } from '../../../src/model/link/facts';
import { LINK_PROCEDURE } from '../../../src/model/link/procedure';
import { otherSite } from '../../../src/model/link/side';
import { type Change, changeSteps } from '../../../src/model/run/procedure';
import { cannotSwapRoles } from '../../../src/rules/link/capability';
import { factsOfRoles } from '../../../src/rules/run/facts-of-roles';
import { requestFor } from '../../../src/rules/run/request-of-change';
import { refusalsOf } from '../../../src/rules/run/standing-table';
import { linkSpec } from '../../support/link-spec';

const SPEC = linkSpec();
const NAMED = { name: 'sales', thing: LINK_PROCEDURE.thing, sites: LINK_PROCEDURE.sites(SPEC) };
const facts = (
  server: string | null,
  instance: string | null,
  route: CutoverRoute | null = 'planned-failover',
) => factsOfRoles(NAMED, { server, instance }, cannotSwapRoles(route));

const LED_BY_SOURCE = facts('PRIMARY', 'SECONDARY');
const planned: Change = { kind: 'failover', type: 'planned', to: 'instance' };
const forced: Change = { kind: 'failover', type: 'forced', to: 'instance' };
const back: Change = { kind: 'failover', type: 'planned', to: 'server' };
const drill: Change = { kind: 'drill', from: 'server', to: 'instance' };
const repair: Change = { kind: 'repair', survivor: 'server' };
const removal: Change = { kind: 'removal' };

describe('why a plan says that a run would refuse', () => {
  test.each<[string, Change, ReturnType<typeof facts>, readonly string[]]>([
    ['planned, all well', planned, LED_BY_SOURCE, []],
    ['drill, all well', drill, LED_BY_SOURCE, []],
    ['removal, all well', removal, LED_BY_SOURCE, []],
    ['to the side that leads', back, LED_BY_SOURCE, ['the SQL Server is the primary already']],
    [
      'versions that cannot swap',
      planned,
      facts('PRIMARY', 'SECONDARY', 'delete-link'),
      ['these versions cannot swap the roles of a link; remove it to cut over'],
    ],
    [
      'planned, old primary silent',
      planned,
      facts(null, 'SECONDARY', null),
      ['the SQL Server does not answer'],
    ],
    ['forced, old primary silent', forced, facts(null, 'SECONDARY', null), []],
    ['forced, new primary silent', forced, facts('PRIMARY', null, null), ['the instance does not answer']],
    ['drill, one side silent', drill, facts('PRIMARY', null, null), ['the instance does not answer']],
    [
      'planned, two primaries',
      planned,
      facts('PRIMARY', 'PRIMARY'),
      ['two primaries: both sides say that they are the primary; repair comes first'],
    ],
    ['repair, two primaries', repair, facts('PRIMARY', 'PRIMARY'), []],
    [
      'repair, none to repair',
      repair,
      LED_BY_SOURCE,
      ['there is no split brain (SQL Server: PRIMARY, instance: SECONDARY)'],
    ],
    [
      'planned, no such link',
      planned,
      facts('none', 'none'),
      ['the SQL Server and the instance have no such link'],
    ],
    [
      'drill, no such link',
      drill,
      facts('none', 'none'),
      ['the SQL Server and the instance have no such link'],
    ],
    ['forced, no such link on the other side', forced, facts('none', 'SECONDARY'), []],
    ['drill, both sides silent', drill, facts(null, null), ['the SQL Server and the instance do not answer']],
    ['removal, no such link', removal, facts('none', 'none'), ['neither side has the link any more']],
    ['removal, half of a link', removal, facts('PRIMARY', 'none'), []],
    // Unknown roles never break anything (promise 12).
    ['a role of newer versions', planned, facts('PRIMARY', 'CATCHING_UP'), []],
  ])('%s', (_title, change, seen, refusals) => {
    expect(refusalsOf(seen, requestFor(change))).toEqual(refusals);
  });
});

describe('changeSteps', () => {
  const ids = (change: Change): readonly string[] =>
    changeSteps(LINK_PROCEDURE, linkSpec(), change).map(({ id }) => id);

  test.each([
    'server',
    'instance',
  ] as const)('a failover to the %s begins with the fence of the other side', (to) => {
    for (const type of ['planned', 'forced'] as const) {
      expect(ids({ kind: 'failover', type, to })).toEqual([
        `${otherSite(to)}.fence`,
        type === 'forced' ? `${to}.forced-failover` : `${otherSite(to)}.planned-failover`,
        `${to}.verify-writable`,
        `${to}.admit-applications`,
      ]);
    }
  });

  test('a drill is a planned failover there and one back', () => {
    expect(ids(drill)).toEqual([...ids(planned), ...ids(back)]);
  });

  test('a repair lets the applications in where the survivor is', () => {
    expect(ids(repair).at(-1)).toBe('server.admit-applications');
    expect(ids({ kind: 'repair', survivor: 'instance' }).at(-1)).toBe('instance.admit-applications');
  });
});
