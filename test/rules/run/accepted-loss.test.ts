import {
  type LossFound,
  lossNotAccepted,
  lossToAccept,
  withTimePassed,
} from '../../../src/rules/run/accepted-loss';

const found = (method: LossFound['method'], seconds: number | null): LossFound => ({
  method,
  seconds,
  summary: `${method} of ${seconds} s`,
});

test.each<[string, LossFound, number | undefined, boolean]>([
  ['as much as was accepted', found('estimate', 30), 30, true],
  ['one second more', found('estimate', 31), 30, false],
  ['measured, and more', found('measured', 48), 5, false],
  ['measured, and nothing', found('measured', 0), 0, true],
  ['not known', found('unknown', null), 5, true],
  ['not asked', found('estimate', 31), undefined, true],
])('%s', (_, loss, accepted, goesOn) => {
  const why = lossNotAccepted(loss, accepted);
  expect(why === undefined).toBe(goesOn);
  if (why === undefined) return;
  expect(why).toContain(loss.summary);
  expect(why).toContain(`--accept-loss-seconds ${lossToAccept(loss.seconds ?? 0)}`);
});

test('the number that is offered covers what is found a minute later', () => {
  expect(lossNotAccepted(withTimePassed(found('estimate', 44), 60_000), lossToAccept(44))).toBeUndefined();
});

test.each([
  [found('estimate', 9), 1_200, 11],
  [found('estimate', 9), 0, 9],
  [found('measured', 9), 60_000, 9],
  [found('unknown', null), 60_000, null],
])('%j, asked for during %d ms', (loss, tookMs, seconds) => {
  expect(withTimePassed(loss, tookMs).seconds).toBe(seconds);
});
