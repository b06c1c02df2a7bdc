/** The replicas of an availability group that a migration names. Without zod: workflows use it, too. */
import type { GroupReplica, ResolvedLink } from './spec';

/** @returns all replicas of the availability group, `server` first; empty where the group has one replica */
export function groupMembers({ settings, server, replicas }: ResolvedLink): readonly GroupReplica[] {
  if (replicas === undefined) return [];
  return [{ name: settings.server, server: server }, ...replicas];
}

/**
 * The same migration, seen from one replica alone: what is done to its endpoint and its certificates. Each replica has
 * a certificate of its own, so a name in the spec is that of `server` only.
 * @throws RangeError when the migration names no such server
 */
export function onServer(spec: ResolvedLink, name: string): ResolvedLink {
  const { replicas, ...alone } = spec;
  const { server, certificate } = spec.settings;
  if (name === server) return alone;
  const replica = replicas?.find((member) => member.name === name);
  if (replica === undefined) throw new RangeError(`the migration names no server ${name}`);
  const { name: _own, ...ofReplica } = certificate;
  const settings = { ...spec.settings, server: replica.name, certificate: ofReplica };
  return { ...alone, settings, server: replica.server };
}
