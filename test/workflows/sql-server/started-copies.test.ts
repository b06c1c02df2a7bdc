/** Objects are copied again and again while a link replicates: what an abort undoes adds up, and stays exact. */

import fc from 'fast-check';
import type { LoginSettings, ServerPermission } from '../../../src/model/sql-server/instance-objects';
import { addUp, onlyChanged, type SettingsChange } from '../../../src/rules/sql-server/login-changes';
import { restoredSettings } from '../../../src/rules/sql-server/undo-objects';
import { initialLinkOwn } from '../../../src/workflows/link/state';
import { initialState, type StartedStep } from '../../../src/workflows/run/state';
import { joinBegun } from '../../../src/workflows/sql-server/started-copies';
import { linkSpec } from '../../support/link-spec';

const joined = (begun: readonly StartedStep[]): readonly StartedStep[] => {
  const state = initialState(linkSpec(), initialLinkOwn(linkSpec()));
  state.startedSteps = [...begun];
  joinBegun(state);
  return state.startedSteps;
};

const permissions = fc
  .record({
    A: fc.option(fc.constantFrom<ServerPermission['state']>('GRANT', 'DENY'), { nil: undefined }),
    B: fc.option(fc.constantFrom<ServerPermission['state']>('GRANT', 'DENY'), { nil: undefined }),
  })
  .map((states) =>
    Object.entries(states).flatMap(([name, state]) => (state === undefined ? [] : [{ name, state }])),
  );
const settings: fc.Arbitrary<LoginSettings> = fc.record({
  isDisabled: fc.boolean(),
  defaultDatabase: fc.constantFrom('master', 'Sales', 'Other'),
  defaultLanguage: fc.constantFrom(null, 'us_english'),
  isPolicyChecked: fc.boolean(),
  isExpirationChecked: fc.boolean(),
  connect: fc.constantFrom('granted', 'denied', 'revoked'),
  roles: fc.subarray(['a', 'b', 'c']),
  permissions,
});
const sorted = (given: LoginSettings) => ({
  ...given,
  roles: [...given.roles].sort(),
  permissions: [...given.permissions].sort((a, b) => a.name.localeCompare(b.name)),
});
const undo = (here: LoginSettings, { present, wanted }: SettingsChange) =>
  restoredSettings(here, present, wanted);

test('only what changed is kept, and gives back the same as all of it', () => {
  fc.assert(
    fc.property(settings, settings, settings, (present, wanted, here) => {
      const whole = sorted(undo(here, { present, wanted }));
      expect(sorted(undo(here, onlyChanged({ present, wanted })))).toEqual(whole);
    }),
  );
});

const sum = (changes: readonly SettingsChange[]): SettingsChange => {
  const [first, ...later] = changes.map(onlyChanged);
  if (first === undefined) throw new Error('no change');
  return later.reduce(addUp, first);
};

test('copies that nobody came between: together they go back to what was there before the first', () => {
  fc.assert(
    fc.property(fc.array(settings, { minLength: 3, maxLength: 6 }), (states) => {
      const changes = states.slice(1).map((wanted, n) => ({ present: states[n] ?? wanted, wanted }));
      expect(sorted(undo(changes.at(-1)?.wanted as LoginSettings, sum(changes)))).toEqual(
        sorted(states[0] as LoginSettings),
      );
    }),
    { numRuns: 1_000 },
  );
});

test('copies with somebody in between: together they give back what each by itself would, the latest first', () => {
  // Values that never come twice: else it cannot be told who made one.
  const named = fc.tuple(settings, fc.uuid()).map(([one, defaultDatabase]) => ({ ...one, defaultDatabase }));
  const part = ({ defaultDatabase, roles }: LoginSettings) => ({ defaultDatabase, roles: [...roles].sort() });
  fc.assert(
    fc.property(fc.array(fc.tuple(named, named), { minLength: 2, maxLength: 5 }), named, (pairs, here) => {
      const changes = pairs.map(([present, wanted]) => ({ present, wanted }));
      for (const now of [here, changes.at(-1)?.wanted as LoginSettings]) {
        const oneByOne = [...changes].reverse().reduce(undo, now);
        expect(part(undo(now, sum(changes)))).toEqual(part(oneByOne));
      }
    }),
    { numRuns: 1_000 },
  );
});

const logins = (facts: object) => ({ missing: [], changed: [], roles: [], sids: [], ...facts });
const step = (name: string, before: unknown, more: object = {}): StartedStep =>
  ({ stepId: `instance.${name}`, before, ...more }) as StartedStep;
const off = (isDisabled: boolean) => ({ isDisabled });

test('a login that was made and changed later is taken away whole; one that was changed twice goes back to the first', () => {
  const made = logins({
    missing: [{ sid: 'A1' }],
    changed: [{ sid: 'B2', present: off(false), wanted: off(true) }],
  });
  const later = logins({
    missing: [{ sid: 'C3' }],
    changed: [
      { sid: 'A1', present: off(false), wanted: off(true) },
      {
        sid: 'B2',
        present: { ...off(true), connect: 'granted' },
        wanted: { ...off(true), connect: 'denied' },
      },
    ],
  });
  expect(joined([step('logins', made), step('logins', later)])).toEqual([
    step(
      'logins',
      logins({
        missing: [{ sid: 'A1' }, { sid: 'C3' }],
        changed: [
          {
            sid: 'B2',
            present: { isDisabled: false, connect: 'granted' },
            wanted: { isDisabled: true, connect: 'denied' },
          },
        ],
      }),
    ),
  ]);
});

test('jobs go before the logins that own them, whichever was copied first; other steps stay where they are', () => {
  const jobs = (missing: readonly string[]) => ({ missing, missingCategories: [], there: [] });
  const begun = joined([
    step('trust', {}),
    step('agent-jobs', jobs(['one'])),
    step('disable-logins', {}),
    step('logins', logins({ missing: [{ sid: 'A1' }] })),
    step('agent-jobs', jobs(['two', 'ONE'])),
  ]);
  expect(begun.map(({ stepId }) => stepId)).toEqual([
    'instance.trust',
    'instance.logins',
    'instance.disable-logins',
    'instance.agent-jobs',
  ]);
  expect(begun.at(-1)?.before).toEqual(jobs(['one', 'two']));
});

test('of a copy that failed halfway what was made counts; what nobody could see stays apart, as uncertain', () => {
  const before = logins({ missing: [{ sid: 'A1' }, { sid: 'B2' }] });
  const after = logins({ missing: [{ sid: 'B2' }], sids: ['A1'] });
  const begun = joined([
    step('logins', logins({ missing: [{ sid: 'C3' }] })),
    step('logins', before, { after }),
    step('logins', before, { after: null }),
    step('logins', before, { after: null }),
  ]);
  expect(begun).toHaveLength(2);
  expect(begun[0]).toEqual(step('logins', logins({ missing: [{ sid: 'C3' }, { sid: 'A1' }] })));
  expect(begun[1]).toMatchObject({ after: null, before: { missing: [{ sid: 'A1' }, { sid: 'B2' }] } });
});

test('a replica of which nobody knows what was made stays unknown, and leaves the others certain', () => {
  const replicas = (sid: string) => [
    { server: 'sql2', ...logins({ missing: [{ sid }] }) },
    { server: 'sql3', ...logins({ missing: [{ sid }] }) },
  ];
  const half = logins({ replicas: [{ server: 'sql2', ...logins({ sids: ['B2'] }) }] });
  const begun = joined([
    step('logins', logins({ replicas: replicas('A1') })),
    step('logins', logins({ replicas: replicas('B2') }), { after: half }),
    step('logins', logins({ replicas: replicas('C3') })),
  ]);
  expect(begun).toHaveLength(2);
  expect(begun[0]).toMatchObject({
    before: {
      replicas: [{ missing: [{ sid: 'A1' }, { sid: 'C3' }] }, { missing: [{ sid: 'A1' }, { sid: 'C3' }] }],
    },
  });
  expect(begun[1]).toMatchObject({
    before: {
      replicas: [
        { server: 'sql2', missing: [{ sid: 'B2' }] },
        { server: 'sql3', isUncertain: true },
      ],
    },
  });
});
