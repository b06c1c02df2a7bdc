import {
  AZURE_READ,
  effectPacingOf,
  growingPause,
  LONGEST_WAIT_MS,
  longestPause,
  type Pacing,
  pacingOf,
  SLOT_GIVER,
  TELLING,
} from '../../../src/model/run/pacing';
import { pollingSchema } from '../../../src/model/run/settings';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Of a spec that says nothing of its polling. */
const BY_DEFAULT: Pacing = {
  effectMs: SECOND,
  behindFenceMs: 200,
  agreedMs: 5,
  dueMs: 50,
  rolesInDoubtMs: 10 * SECOND,
  watchAfterProblemMs: 5 * MINUTE,
  besideRequestMs: 5 * MINUTE,
  objectsMs: 24 * HOUR,
  objectsAfterProblemMs: 6 * HOUR,
  slot: { firstMs: MINUTE, longestMs: 10 * MINUTE },
  slotGiverGoneMs: SECOND,
  hook: { firstMs: SECOND, longestMs: 15 * SECOND },
  undo: { firstMs: MINUTE, longestMs: HOUR },
  withdrawal: { firstMs: MINUTE, oftenMs: MINUTE, oftenForMs: 30 * MINUTE, rarelyMs: 10 * MINUTE },
  pastNoReturn: {
    firstMs: 5 * SECOND,
    oftenMs: 30 * SECOND,
    oftenForMs: 30 * MINUTE,
    rarelyMs: 10 * MINUTE,
  },
  attempts: {
    soon: { firstMs: 500, longestMs: 30 * SECOND },
    patient: { firstMs: SECOND, longestMs: MINUTE },
    few: { firstMs: SECOND },
    pastNoReturn: { firstMs: SECOND, longestMs: 5 * SECOND },
  },
};

const leaves = (value: object): readonly number[] =>
  Object.values(value).flatMap((one: unknown) =>
    typeof one === 'object' && one !== null ? leaves(one) : [one as number],
  );

test('a spec that says nothing of its polling has these pauses', () => {
  expect(pacingOf(pollingSchema.parse({}))).toEqual(BY_DEFAULT);
  expect(effectPacingOf(SECOND)).toEqual({ longestMs: 15 * SECOND, glimpseMs: 100, silenceMs: 30 * SECOND });
});

test('every pause follows the polling of the spec', () => {
  const quick = leaves(pacingOf({ active: 200, steady: 3_000 }));
  // 0.5 ms is no pause of a timer.
  expect(quick).toEqual(leaves(BY_DEFAULT).map((ms) => Math.max(1, Math.round(ms / 10))));
  const slow = leaves(pacingOf({ active: 20 * SECOND, steady: 5 * MINUTE }));
  expect(slow).toEqual(leaves(BY_DEFAULT).map((ms) => ms * 10));
});

test('a pause is of whole milliseconds, and never none', () => {
  for (const ms of leaves(pacingOf({ active: 1, steady: 1 }))) {
    expect(Number.isInteger(ms)).toBe(true);
    expect(ms).toBeGreaterThan(0);
  }
});

test('each pause is twice the one before it, up to the longest', () => {
  const { hook, slot } = BY_DEFAULT;
  const of = (pause: typeof hook) => [1, 2, 3, 4, 5, 6].map((tries) => growingPause(pause, tries) / SECOND);
  expect(of(hook)).toEqual([1, 2, 4, 8, 15, 15]);
  expect(of(slot)).toEqual([60, 120, 240, 480, 600, 600]);
});

test('what is refused for long is tried rarely: a history has an end', () => {
  const at = (minutes: number) => longestPause(BY_DEFAULT.pastNoReturn, minutes * MINUTE) / SECOND;
  expect([0, 29, 30, 600].map(at)).toEqual([30, 30, 600, 600]);
});

test('without a spec they are constants', () => {
  expect({ AZURE_READ, TELLING, LONGEST_WAIT_MS, SLOT_GIVER }).toEqual({
    AZURE_READ: { firstMs: 500, longestMs: 10 * SECOND },
    TELLING: { firstMs: SECOND, longestMs: 5 * MINUTE },
    LONGEST_WAIT_MS: 7 * 24 * HOUR,
    SLOT_GIVER: {
      newsMs: 10 * SECOND,
      probe: { firstMs: 10 * SECOND, longestMs: 5 * MINUTE },
      idleProbeMs: HOUR,
    },
  });
});
