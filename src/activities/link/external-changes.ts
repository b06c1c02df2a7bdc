/** What other hands did to a link that stays: swapped its roles, or took it away. Judged by fresh looks only. */

import { bySite, type LinkSite, otherSite } from '../../model/link/side';
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import { readServer } from '../../tsql/queries/server';
import type { DeletedExternallyNews, ExternalFailoverNews } from '../run/api';
import { linkFacts, type Observing } from './link-facts';
import { otherFacts } from './split-brain';

/** Looks in a row that must agree. */
const LOOKS_NEEDED = 3;

/**
 * Both sides agree who leads, and it is not what the run knows: another side, or only one after two. Roles that are
 * about to swap do not agree for three looks.
 * @param leads side that leads as far as the run knows
 * @returns undefined as long as the two do not agree, or one of them does not answer
 */
export async function rolesByOthers(
  observing: Observing,
  leads: LinkSite,
  splitBrainKnown: boolean,
  signal: AbortSignal,
): Promise<Omit<ExternalFailoverNews, 'health'> | undefined> {
  const { clock, spec } = observing;
  const looks: string[] = [];
  let agreed: LinkSite | undefined;
  for (;;) {
    const [server, instance] = await Promise.all([
      otherFacts(observing, 'server', 0),
      otherFacts(observing, 'instance', 0),
    ]);
    const primary = agreedPrimary(server, instance);
    if (primary === undefined || (agreed !== undefined && primary !== agreed)) return undefined;
    if (primary === leads && !splitBrainKnown) return undefined;
    agreed = primary;
    looks.push(new Date(clock.now()).toISOString());
    if (looks.length === LOOKS_NEEDED) break;
    await clock.sleep(spec.settings.polling.active, signal);
  }
  const { server, instance } = spec.settings;
  const [first, second] = bySite(agreed, {
    server: [server, instance],
    instance: [instance, server],
  } as const);
  return {
    kind: 'external-failover',
    primary: agreed,
    reason: `${first} says PRIMARY and ${second} SECONDARY, seen ${looks.length} times from ${looks[0]} to ${looks.at(-1)}`,
    platformTime: await instanceTime(observing, signal),
  };
}

function agreedPrimary(
  server: DistributedReplicaFacts | undefined,
  instance: DistributedReplicaFacts | undefined,
): LinkSite | undefined {
  const roles = [server?.localRoleDesc, instance?.localRoleDesc];
  if (roles[0] === 'PRIMARY' && roles[1] === 'SECONDARY') return 'server';
  return roles[0] === 'SECONDARY' && roles[1] === 'PRIMARY' ? 'instance' : undefined;
}

/**
 * Azure has no such link any more, and the side that leads has no partner: somebody deleted it.
 * @returns undefined while one of both still shows it, or Azure does not answer
 */
export async function linkGone(
  observing: Observing,
  leads: LinkSite,
  signal: AbortSignal,
): Promise<Omit<DeletedExternallyNews, 'health'> | undefined> {
  const { ports, spec, clock } = observing;
  for (let look = 1; ; look += 1) {
    const inAzure = await ports.azure.readLink(spec.names.distributedGroup, signal).then(
      (link) => link !== undefined,
      () => undefined,
    );
    if (inAzure !== false) return undefined;
    const facts = await linkFacts(observing, 0, leads).catch(() => null);
    if (facts === null || facts?.connectedStateDesc === 'CONNECTED') return undefined;
    if (look === LOOKS_NEEDED) {
      const { server, instance } = spec.settings;
      const name = bySite(leads, { server, instance });
      const group = facts === undefined ? 'has no such group either' : 'has the group without its partner';
      return {
        kind: 'deleted-externally',
        reason: `Azure has no link ${spec.names.distributedGroup}, and ${name} ${group}, seen ${look} times`,
      };
    }
    await clock.sleep(spec.settings.polling.active, signal);
  }
}

/** Null when it cannot be read: what Azure does to the new primary is later than the look before in any case. */
async function instanceTime({ ports }: Observing, signal: AbortSignal): Promise<string | null> {
  return ports.instance.query(readServer(), { signal }).then(
    ([server]) => server?.serverTime ?? null,
    () => null,
  );
}

/** What each side says, for those who look. */
export const rolesSeen = (
  leads: LinkSite,
  facts: DistributedReplicaFacts | undefined,
  theirs: DistributedReplicaFacts | undefined,
): Readonly<Record<LinkSite, string | null>> => {
  const seen = { [leads]: facts, [otherSite(leads)]: theirs } as Record<
    LinkSite,
    DistributedReplicaFacts | undefined
  >;
  return { server: seen.server?.localRoleDesc ?? null, instance: seen.instance?.localRoleDesc ?? null };
};
