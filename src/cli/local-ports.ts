import type { LinkContext } from '../activities/link/context';
import type { ResolvedLink } from '../model/link/spec';
import { EXIT } from './exit-codes';
import { CliFailure } from './failure';

export type LocalLinkContext = Omit<LinkContext, 'secret'>;

/**
 * Opens both instances and Azure from this machine, for commands that only read.
 * @throws CliFailure with the code of the error catalogue, its meaning and the remedy
 */
export async function withLocalPorts<T>(
  spec: ResolvedLink,
  work: (context: LocalLinkContext) => Promise<T>,
): Promise<T> {
  const { openLocalPorts } = await import('../worker/link-ports');
  const { pool, clock } = openLocalPorts(process.env, (message) =>
    process.stderr.write(`warning: ${message}\n`),
  );
  const interrupted = new AbortController();
  const stop = (): void => interrupted.abort(new CliFailure('interrupted', EXIT.interrupted));
  process.once('SIGINT', stop);
  try {
    return await work({ ports: await pool.open(spec), spec, clock, signal: interrupted.signal });
  } catch (error) {
    throw await explained(error);
  } finally {
    process.off('SIGINT', stop);
    await pool.close();
  }
}

async function explained(error: unknown): Promise<CliFailure> {
  if (error instanceof CliFailure) return error;
  if (error instanceof Error && error.name === 'SecretFailure') return secretMissing(error);
  const { describeFailure } = await import('../activities/run/describe-failure');
  const { code, message, remedy, reaction, evidence } = describeFailure(error);
  return new CliFailure(
    `${message} [${code}]`,
    reaction === 'retry' ? EXIT.unreachable : EXIT.failed,
    [remedy],
    { code, evidence },
  );
}

/** The adapter speaks of the worker, where secrets usually are; this command reads them here. */
function secretMissing({ message }: Error): CliFailure {
  const [what] = message.split(' where the worker runs');
  return new CliFailure(
    `${what} [SecretUnreadable]`,
    EXIT.failed,
    [
      'this command reads secrets on this machine: set it here, too, or run the command where the worker runs',
    ],
    { code: 'SecretUnreadable' },
  );
}
