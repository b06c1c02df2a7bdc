import { Waits } from '../../../src/workflows/run/waits';

test('who waits side by side writes over nobody: the oldest is shown, then the next', async () => {
  const waits = new Waits();
  expect(waits.shown).toBe('');
  const gate = waits.begin('the gate');
  const slot = waits.begin('a failover slot');
  expect(waits.shown).toBe('the gate');
  slot.say('the second in the queue');
  gate.end();
  expect(waits.shown).toBe('the second in the queue');
  slot.end();
  slot.end();
  expect(waits.shown).toBe('');
});

test('one that says nothing yet hides nobody', () => {
  const waits = new Waits();
  const silent = waits.begin();
  waits.begin('a failover slot');
  expect(waits.shown).toBe('a failover slot');
  silent.say('the roles to swap');
  expect(waits.shown).toBe('the roles to swap');
});

test('a wait ends with its work, also when that fails', async () => {
  const waits = new Waits();
  const failing = waits.for('the watch to end', () => Promise.reject(new Error('no')));
  expect(waits.shown).toBe('the watch to end');
  await expect(failing).rejects.toThrow('no');
  expect(waits.shown).toBe('');
});
