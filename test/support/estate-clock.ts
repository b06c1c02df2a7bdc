import type { RunningEstate } from '../../estate/estate';
import type { Clock } from '../../src/ports/clock';

/**
 * The estate's time for the product: what waits for 30 s waits as long as the estate needs for 30 s, also when its speed
 * changes meanwhile. So a spec has the polling that people write, and every pause, deadline and age is of one time.
 *
 * What the machine itself takes counts in that time, too: at 60 a statement that takes 5 ms took 0.3 s. Deadlines of
 * 3 s (the lost side of a forced failover) leave it 50 ms then, so that speeds of hundreds are for the system's clock.
 */
export const estateClock = ({ world }: Pick<RunningEstate, 'world'>): Clock => ({
  // Whole milliseconds, as the system's clock has them.
  now: () => Math.floor(world.clock.now()),
  sleep: (ms, signal) => world.clock.sleep(ms, signal),
});
