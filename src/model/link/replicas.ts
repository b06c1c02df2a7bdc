/** The replicas of an availability group that a migration names. Without zod: workflows use it, too. */
import type { GroupReplica, ResolvedLinkMigration } from './spec';

/** @returns all replicas of the availability group, `source` first; empty where the group has one replica */
export function groupMembers({
  migration,
  source,
  replicas,
}: ResolvedLinkMigration): readonly GroupReplica[] {
  if (replicas === undefined) return [];
  return [{ name: migration.source, server: source }, ...replicas];
}

/**
 * The same migration, seen from one replica alone: what is done to its endpoint and its certificates. Each replica has
 * a certificate of its own, so a name in the spec is that of `source` only.
 * @throws RangeError when the migration names no such server
 */
export function onServer(spec: ResolvedLinkMigration, server: string): ResolvedLinkMigration {
  const { replicas, ...alone } = spec;
  const { source, certificate } = spec.migration;
  if (server === source) return alone;
  const replica = replicas?.find(({ name }) => name === server);
  if (replica === undefined) throw new RangeError(`the migration names no server ${server}`);
  const { name: _own, ...ofReplica } = certificate;
  const migration = { ...spec.migration, source: replica.name, certificate: ofReplica };
  return { ...alone, migration, source: replica.server };
}
