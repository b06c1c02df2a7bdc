/** What steps and phases of a link there are; in which order they come stands in procedure.ts. */
import type { StepRef } from '../run/procedure';
import { instanceObjectStepIds } from '../sql-server/instance-object-steps';
import type { LinkSite } from './side';

/** Phases of a link migration, in order. People see these words. */
export const LINK_PHASES = [
  'preflight',
  'trust',
  'groups',
  'link',
  'seeding',
  'first-log-backup',
  'replicating',
  'cutover',
  'after',
] as const;
export type LinkPhase = (typeof LINK_PHASES)[number];

export const LINK_PHASE_TITLES: Readonly<Record<LinkPhase, string>> = {
  preflight: 'Preflight',
  trust: 'Trust between the instances',
  groups: 'Availability groups',
  link: 'Link',
  seeding: 'Seeding',
  'first-log-backup': 'First log backup',
  replicating: 'Replicating',
  cutover: 'Cutover',
  after: 'After the cutover',
};

/** Steps that change something. Each observes first, so that it can run twice (promise 1). */
export const LINK_STEP_IDS = [
  'server.master-key',
  'server.endpoint-certificate',
  'instance.trust-server-certificate',
  'server.trust-instance-certificate',
  'server.trust-azure-authorities',
  'server.validate-certificate-chain',
  'server.mirroring-endpoint',
  'server.availability-group',
  'server.distributed-availability-group',
  'server.keep-log',
  'instance.link',
  'server.release-log',
  'server.log-backup',
  'server.fence',
  'server.synchronous-commit',
  'server.planned-failover',
  'instance.delete-link-to-cut-over',
  'instance.verify-writable',
  'instance.remove-link',
  'server.drop-distributed-availability-group',
  'server.drop-availability-group',
  'instance.fence',
  'server.admit-applications',
  'instance.admit-applications',
  'instance.planned-failover',
  'instance.forced-failover',
  'server.forced-failover',
  'server.verify-writable',
  'server.become-secondary',
  'instance.become-secondary',
  'server.repair-orphaned-users',
  'instance.repair-orphaned-users',
  ...instanceObjectStepIds<LinkSite>('instance', 'server'),
  'server.empty-availability-group',
  'server.grant-create-database',
  'server.readable-secondary',
  'instance.link-from-instance',
  'server.join-distributed-availability-group',
] as const;
export type LinkStepId = (typeof LINK_STEP_IDS)[number];

/** One step of a link. `server` names a replica of the availability group; absent: the one that leads it. */
export type LinkStep = StepRef<LinkStepId, LinkPhase>;

/** A step that is done once. */
export function step(id: LinkStepId, phase: LinkPhase, title: string): LinkStep {
  return { id, phase, title, repeats: 'once' };
}

/** @returns the steps of one phase, in order. */
export function stepsOfPhase(procedure: readonly LinkStep[], phase: LinkPhase): readonly LinkStep[] {
  return procedure.filter((candidate) => candidate.phase === phase);
}
