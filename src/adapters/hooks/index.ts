/** Calls hooks: web hooks over HTTPS, and commands on the host of the worker where it allows them. */
import type { Clock } from '../../ports/clock';
import type { HooksPort } from '../../ports/hooks';
import { runCommand } from './command';
import { callWebhook } from './webhook';

export interface HooksOptions {
  readonly clock: Clock;
  /** Directories whose programs a spec may name; none by default, so that no spec can run anything on a worker. */
  readonly commandDirectories?: readonly string[];
  /** PATH for commands. */
  readonly path?: string | undefined;
}

export function createHooks({ clock, commandDirectories = [], path }: HooksOptions): HooksPort {
  return {
    call: (hook, message, options) =>
      hook.type === 'webhook'
        ? callWebhook(hook, message, options, clock)
        : runCommand(hook, message, options, { clock, directories: commandDirectories, path }),
  };
}
