/** failover, drill, repair, remove: what an operator asks of a link that stays (purpose: disaster-recovery). */

import { formatDuration } from '../../model/duration';
import { bySite, otherSite } from '../../model/link/side';
import { confirm } from '../asking';
import { EXIT } from '../exit-codes';
import { CliFailure } from '../failure';
import type { Output } from '../output';
import { sideOf } from '../side';
import { withMigrations } from '../temporal';
import { type RequestOptions, request, show } from './requests';

const NAMES = { server: 'the SQL Server', instance: 'the managed instance' };

export interface FailoverOptions extends RequestOptions {
  readonly to: string;
  readonly force?: boolean;
  readonly acceptLossSeconds?: string;
  readonly acknowledgeBy?: string;
  readonly acceptDrift?: boolean;
}

export async function failover(output: Output, name: string, options: FailoverOptions): Promise<void> {
  const to = sideOf(options.to, '--to');
  const acceptLossSeconds = lossOf(options.acceptLossSeconds);
  const acknowledgedBy = personOf(options.acknowledgeBy);
  const where = bySite(to, NAMES);
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
      ...(acknowledgedBy === undefined ? {} : { acknowledgedBy }),
      ...(options.acceptDrift ? { acceptDrift: true as const } : {}),
    });
    show(output, 'failover', name, answer);
  });
}

export interface DrillOptions extends RequestOptions {
  /** Milliseconds. */
  readonly hold: number;
  readonly acknowledgeBy?: string;
}

export async function drill(output: Output, name: string, options: DrillOptions): Promise<void> {
  const acknowledgedBy = personOf(options.acknowledgeBy);
  await confirm(
    output,
    `This fails ${name} over to the other side, leaves the applications there for ${formatDuration(options.hold)}, and fails it back. They are fenced off twice.`,
    options.yes ?? false,
  );
  await withMigrations(options, async (migrations) => {
    const answer = await migrations.drill(name, {
      ...request(options),
      holdMs: options.hold,
      ...(acknowledgedBy === undefined ? {} : { acknowledgedBy }),
    });
    show(output, 'drill', name, answer);
  });
}

export async function repair(
  output: Output,
  name: string,
  options: RequestOptions & { readonly survivor: string },
): Promise<void> {
  const survivor = sideOf(options.survivor, '--survivor');
  const loser = bySite(otherSite(survivor), NAMES);
  await confirm(
    output,
    `This makes ${loser} follow again: what only ${loser} has is discarded (its log is backed up first where that can be done from here).`,
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
    `This takes the link ${name} down: link, distributed group, group. Both databases stay; that of a SQL Server that is the secondary is left restoring.`,
    options.yes ?? false,
  );
  await withMigrations(options, async (migrations) => {
    show(output, 'remove', name, await migrations.remove(name, request(options)));
  });
}

/** Whoever acknowledges has a name: the record keeps it. */
function personOf(text: string | undefined): string | undefined {
  if (text === undefined || text.trim() !== '') return text;
  throw new CliFailure('--acknowledge-by must name a person', EXIT.usage);
}

function lossOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds;
  throw new CliFailure(`--accept-loss-seconds "${text}" is no number of seconds`, EXIT.usage);
}
