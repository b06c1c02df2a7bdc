/** The clock of one machine: its wall clock may be wrong, its waits are as long as everybody's. */
import type { Clock } from '../../src/ports/clock';
import type { Party, VirtualTime } from './virtual-time';

export const clockOf = (time: VirtualTime, party: Party): Clock => ({
  now: () => Math.floor(time.now + party.skewMs),
  sleep: (ms, signal) => time.sleep(party, Math.max(ms, 1), signal),
});
