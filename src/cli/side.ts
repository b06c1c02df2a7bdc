import type { LinkSite } from '../model/link/side';
import { EXIT } from './exit-codes';
import { CliFailure } from './failure';

/** A side in the words of the command line. @throws CliFailure when it is neither of them */
export function sideOf(text: string, option: string): LinkSite {
  if (text === 'instance') return 'instance';
  if (text === 'server') return 'server';
  throw new CliFailure(`${option} "${text}" is neither "instance" nor "server"`, EXIT.usage);
}
