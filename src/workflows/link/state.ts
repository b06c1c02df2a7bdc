/** What a run of a link keeps beside what every run keeps. */
import type { CutoverRoute } from '../../model/link/facts';
import type { ResolvedLink } from '../../model/link/spec';
import type { Run } from '../run/run';
import type { RunInput, RunState } from '../run/state';
import type { WithObjects } from '../sql-server/objects-state';

export interface LinkOwn extends WithObjects {
  route: CutoverRoute | null;
  serverName: string;
  linkRequestedAt: string | null;
  /** Time of the SQL Server, from which the first log backup counts. */
  seedingCompletedAt: string | null;
  seedingRestarts: number;
  logBackups: { count: number; lastAt: string | null };
  /** End of the last log backup of this run by the clock of the SQL Server, ISO 8601 UTC. */
  lastBackupAt?: string;
  logAlarmRaised: boolean;
  /** Jobs of others that back up the log of the link, the newest ones; a person was told of them. */
  foreignLogBackups?: readonly string[];
  /** Replica that led the availability group when it was last looked at; only where it has several. */
  groupLeader?: string;
  /** On the route `delete-link`: the SQL Server may have gone on after the last look, as a sentence. */
  unreplicatedTail?: string;
  /** Azure's first full backup after the failover to the instance at `since`; absent until one was seen. */
  fullBackup?: { readonly since: string; readonly at: string };
}

export type LinkState = RunState & LinkOwn;
export type LinkRun = Run<ResolvedLink, LinkOwn>;
export type LinkRunInput = RunInput<ResolvedLink, LinkOwn>;

export const initialLinkOwn = ({ settings }: ResolvedLink): LinkOwn => ({
  route: null,
  serverName: settings.server,
  linkRequestedAt: null,
  seedingCompletedAt: null,
  seedingRestarts: 0,
  logBackups: { count: 0, lastAt: null },
  logAlarmRaised: false,
});

/** Azure's first full backup since the instance leads, ISO 8601; null until it is seen. */
export const fullBackupAt = ({ failedOverAt, fullBackup }: LinkState): string | null =>
  fullBackup !== undefined && fullBackup.since === failedOverAt ? fullBackup.at : null;
