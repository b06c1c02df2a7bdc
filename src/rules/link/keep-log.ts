import type { DistributedReplicaFacts } from '../../model/sql-server/observation';

/** Stops log that seeding needs from being reused, for the whole server (troubleshooting page of the link). */
export const KEEP_LOG_TRACE_FLAG = 12381;

/** States in which an operation of seeding is over; the history of operations is kept. */
const OVER: readonly string[] = ['COMPLETED', 'FAILED'];

/**
 * The trace flag is the server's, not the link's: it stays on while another database is seeded. A link that is merely
 * down does not count, or the log of all databases would be kept for as long.
 * @param links all links of the server
 * @param ownLink name of the link that asks
 * @returns names of the other links whose copy is under way
 */
export function otherSeedings(links: readonly DistributedReplicaFacts[], ownLink: string): readonly string[] {
  const others = links.filter(
    ({ groupName, seeding }) =>
      groupName.toLowerCase() !== ownLink.toLowerCase() &&
      seeding !== null &&
      (seeding.isStreaming || !OVER.includes(seeding.currentState)),
  );
  return [...new Set(others.map(({ groupName }) => groupName))].sort();
}
