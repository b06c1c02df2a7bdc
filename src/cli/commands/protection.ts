/** failover, repair, remove: what an operator asks of a link that stays (purpose: disaster-recovery). */
import type { LinkSide } from '../../model/link/procedure';
import { confirm } from '../asking';
import { EXIT } from '../exit-codes';
import { CliFailure } from '../failure';
import type { Output } from '../output';
import { withMigrations } from '../temporal';
import { type RequestOptions, request, show } from './requests';

export interface FailoverOptions extends RequestOptions {
  readonly to: string;
  readonly force?: boolean;
  readonly acceptLossSeconds?: string;
  readonly acknowledgeBy?: string;
}

export async function failover(output: Output, name: string, options: FailoverOptions): Promise<void> {
  const to = sideOf(options.to, '--to');
  const acceptLossSeconds = lossOf(options.acceptLossSeconds);
  const where = to === 'target' ? 'the managed instance' : 'the SQL Server';
  await confirm(
    output,
    options.force
      ? `This FORCES ${name} over to ${where}, without the other side. Committed transactions may be lost for good, up to ${acceptLossSeconds ?? '?'} s of them.`
      : `This makes ${where} the primary of ${name}: the applications are fenced off the other side until both are equal.`,
    options.yes ?? false,
  );
  await withMigrations(options, async (migrations) => {
    const answer = await migrations.failover(name, {
      ...request(options),
      type: options.force ? 'forced' : 'planned',
      to,
      ...(acceptLossSeconds === undefined ? {} : { acceptLossSeconds }),
      ...(options.acknowledgeBy === undefined ? {} : { acknowledgedBy: options.acknowledgeBy }),
    });
    show(output, 'failover', name, answer);
  });
}

export async function repair(
  output: Output,
  name: string,
  options: RequestOptions & { readonly survivor: string },
): Promise<void> {
  const survivor = sideOf(options.survivor, '--survivor');
  const loser = survivor === 'target' ? 'the SQL Server' : 'the managed instance';
  await confirm(
    output,
    `This makes ${loser} follow again: what only ${loser} has is rolled away (its log is backed up first where that can be done from here).`,
    options.yes ?? false,
  );
  await withMigrations(options, async (migrations) => {
    const answer = await migrations.repair(name, {
      ...request(options),
      survivor,
    });
    show(output, 'repair', name, answer);
  });
}

export async function remove(output: Output, name: string, options: RequestOptions): Promise<void> {
  await confirm(
    output,
    `This takes the link ${name} down: link, distributed group, group. Both copies stay; that of a SQL Server that only followed is left restoring.`,
    options.yes ?? false,
  );
  await withMigrations(options, async (migrations) => {
    show(output, 'remove', name, await migrations.remove(name, request(options)));
  });
}

function sideOf(text: string, option: string): LinkSide {
  if (text === 'instance') return 'target';
  if (text === 'server') return 'source';
  throw new CliFailure(`${option} "${text}" is neither "instance" nor "server"`, EXIT.usage);
}

function lossOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds;
  throw new CliFailure(`--accept-loss-seconds "${text}" is no number of seconds`, EXIT.usage);
}
