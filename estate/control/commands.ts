/** Bodies of the control API and what they do to the world. */
import { z } from 'zod';
import type { EstateParts } from '../world/world';

const name = z.string().min(1);

export const clockBody = z.union([
  z.strictObject({ speed: z.number().positive() }),
  /** Simulated milliseconds; manual clocks only. */
  z.strictObject({ advance: z.number().nonnegative() }),
]);

export const instanceBody = z.strictObject({ downMs: z.number().nonnegative().optional() });

export const connectionBody = z.strictObject({
  between: z.tuple([name, name]),
  /** Simulated milliseconds until it heals by itself. */
  forMs: z.number().positive().optional(),
});

/** A command that makes no sense in the world's present state; answered with 409. */
export class CommandRefused extends Error {
  override readonly name = 'CommandRefused';
}

export async function setClock(world: EstateParts, body: z.infer<typeof clockBody>): Promise<unknown> {
  if ('speed' in body) world.clock.speed = body.speed;
  else await advance(world, body.advance);
  return { now: new Date(world.clock.now()).toISOString(), mode: world.clock.mode, speed: world.clock.speed };
}

async function advance(world: EstateParts, ms: number): Promise<void> {
  if (world.clock.mode !== 'manual')
    throw new CommandRefused(
      'the clock runs by itself: set its speed, or start the estate with a manual clock',
    );
  await world.clock.advance(ms);
}

export const INSTANCE_COMMANDS = ['restart', 'stop', 'start', 'kill', 'revive'] as const;
export type InstanceCommand = (typeof INSTANCE_COMMANDS)[number];

export function commandInstance(
  world: EstateParts,
  instance: string,
  command: InstanceCommand,
  body: z.infer<typeof instanceBody>,
): void {
  const { instances } = world;
  switch (command) {
    case 'restart':
      instances.restart(instance, body.downMs);
      return;
    case 'stop':
      instances.stop(instance);
      return;
    case 'start':
      instances.start(instance);
      return;
    case 'kill':
      instances.kill(instance);
      return;
    case 'revive':
      instances.revive(instance);
      return;
    default:
      command satisfies never;
  }
}

export function commandConnection(
  world: EstateParts,
  command: 'cut' | 'heal',
  body: z.infer<typeof connectionBody>,
): void {
  const [a, b] = body.between;
  if (command === 'heal') world.network.reconnect(a, b);
  else world.network.disconnect(a, b, body.forMs);
}
