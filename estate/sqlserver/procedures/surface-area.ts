/** Procedures that run programs outside of the server: off by default, and nothing is outside of this one. */
import { serverError } from '../messages/raise';
import type { Procedure } from './server';

/**
 * @param option name in sys.configurations
 * @returns a procedure that throws 15281 while the option is off, and 40510 when somebody has turned it on
 */
export const turnedOff =
  (option: string): Procedure =>
  async (context, call) => {
    if ((context.state.configuration(option)?.valueInUse ?? 0) === 0) {
      throw serverError(15281, ['procedure', `sys.${call.name.object}`, option, option, option]);
    }
    throw serverError(40510, [call.name.object]);
  };
