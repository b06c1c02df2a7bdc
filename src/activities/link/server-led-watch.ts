/** A link that replicates, watched while the SQL Server leads it, with its log backups. */
import { pacingOf } from '../../model/run/pacing';
import type { Progress } from '../../model/run/progress';
import type { Polling } from '../../model/run/settings';
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import { ageMs } from '../../rules/run/age';
import type { LogBackupVerdict } from '../../rules/sql-server/log-backup';
import type { ActivityReporter } from '../run/activity-boundary';
import type { CommonNews, DeletedExternallyNews } from '../run/api';
import { whatPasses } from '../run/describe-failure';
import { NeedsPerson, NotYet } from '../run/failures';
import { HealthNews, UNREADABLE_MS } from '../run/health-news';
import { keepLastHealth, orAborted } from '../run/last-health';
import { sharedAgeMs, untilNextLook } from '../run/snapshots';
import { liftRemainingFences } from '../sql-server/unlifted-fences';
import type { LinkHealth, LinkNews } from './api';
import type { LinkWatchRequest } from './context';
import { linkGone, rolesByOthers, rolesSeen } from './external-changes';
import { healthOf } from './health';
import { type Observing, otherLinkFacts, requireLinkFacts } from './link-facts';
import { LogBackups } from './log-backups';
import { logSpaceOf } from './log-space';
import { otherFacts, splitBrain } from './split-brain';

type News = CommonNews | LinkNews;

/** No news yet. */
interface Pause {
  readonly pauseMs: number;
}

/** Watches until there is something worth recording, and takes the log backups that are due. */
export function watchServerLed(
  observing: Observing,
  reporter: ActivityReporter,
  input: LinkWatchRequest,
): Promise<News> {
  const watch = (keep: (health: LinkHealth) => void): Promise<News> =>
    new ServerLedWatch(observing, reporter, input, keep).untilNews();
  return input.standing === undefined ? watch(() => undefined) : keepLastHealth(reporter.signal, watch);
}

class ServerLedWatch {
  private readonly healthNews: HealthNews;
  private readonly logBackups: LogBackups;
  private secondarySince: number | undefined;

  constructor(
    private readonly observing: Observing,
    private readonly reporter: ActivityReporter,
    private readonly input: LinkWatchRequest,
    private readonly keep: (health: LinkHealth) => void,
  ) {
    this.healthNews = new HealthNews(observing.clock, input, reporter.signal);
    this.logBackups = new LogBackups(observing, reporter, input.known, input.standing !== undefined);
  }

  async untilNews(): Promise<News> {
    for (;;) {
      const looked = await this.look();
      if (!('pauseMs' in looked)) return looked;
      await this.observing.clock.sleep(looked.pauseMs, this.reporter.signal);
    }
  }

  private async look(): Promise<News | Pause> {
    const soon: Pause = { pauseMs: this.observing.spec.settings.polling.active };
    let links: Links;
    try {
      links = await this.readLinks();
    } catch (error) {
      return (await this.newsOfFailure(error)) ?? soon;
    }
    const { facts } = links;
    const health = healthOf(facts);
    const byOthers = await this.newsOfOthers(facts, health);
    if (byOthers !== undefined) return byOthers;
    if (this.mayBeSwapping(facts)) return soon;
    throwIfNotPrimary(facts, this.observing);
    this.healthNews.saw(health);
    this.keep(health);
    return (
      (await this.newsOfFences(health)) ?? this.newsOfLeader(health) ?? (await this.newsOfLink(links, health))
    );
  }

  private async readLinks(): Promise<Links> {
    const { polling } = this.observing.spec.settings;
    const { signal } = this.reporter;
    const maxAgeMs = Math.min(sharedAgeMs(polling.steady), polling.heartbeatTimeout);
    const facts = await orAborted(requireLinkFacts(this.observing, maxAgeMs), signal);
    const others = await orAborted(otherLinkFacts(this.observing, maxAgeMs), signal);
    await this.logBackups.readOnce();
    this.healthNews.answered();
    return { facts, others };
  }

  /** The link cannot be looked at: it may be gone, or its server silent. */
  private async newsOfFailure(error: unknown): Promise<News | undefined> {
    const now = (): number => this.observing.clock.now();
    const { message } = whatPasses(error, this.reporter.signal);
    if (error instanceof NotYet) {
      const gone = await this.deletion();
      if (gone !== undefined) return { ...gone, health: unreadable(message, now()) };
    }
    return this.healthNews.ofFailure(error, (why) => unreadable(why, now()));
  }

  /** Roles that others swapped, or a link that others removed. */
  private async newsOfOthers(facts: DistributedReplicaFacts, health: LinkHealth): Promise<News | undefined> {
    const { standing } = this.input;
    if (standing === undefined) return undefined;
    const { signal } = this.reporter;
    const isSecondary = facts.localRoleDesc === 'SECONDARY';
    if (isSecondary || standing.splitBrainKnown) {
      const roles = rolesByOthers(this.observing, 'server', standing.splitBrainKnown, signal);
      const seen = await orAborted(roles, signal);
      if (seen !== undefined) return { ...seen, health };
    }
    if (isSecondary || health.healthy) return undefined;
    const gone = await this.deletion();
    return gone === undefined ? undefined : { ...gone, health };
  }

  private async deletion(): Promise<Omit<DeletedExternallyNews, 'health'> | undefined> {
    if (this.input.standing?.deletionKnown !== false) return undefined;
    const { signal } = this.reporter;
    return orAborted(linkGone(this.observing, 'server', signal), signal);
  }

  /** Of a link that stays: roles that are about to swap agree soon. */
  private mayBeSwapping({ localRoleDesc }: DistributedReplicaFacts): boolean {
    if (this.input.standing === undefined || localRoleDesc !== 'SECONDARY') {
      this.secondarySince = undefined;
      return false;
    }
    const now = this.observing.clock.now();
    this.secondarySince ??= now;
    return now - this.secondarySince < UNREADABLE_MS;
  }

  private async newsOfFences(health: LinkHealth): Promise<News | undefined> {
    const { unliftedFences } = this.input.known;
    if (unliftedFences === undefined) return undefined;
    const { signal } = this.reporter;
    const fences = await liftRemainingFences({ ports: this.observing.ports, signal }, unliftedFences);
    return fences.length === 0 ? undefined : { kind: 'fences-lifted', fences, health };
  }

  private newsOfLeader(health: LinkHealth): News | undefined {
    const { knownLeader } = this.input.known;
    const leader = this.observing.ports.group?.leader();
    if (knownLeader === undefined || leader === undefined || leader === knownLeader) return undefined;
    return { kind: 'group-failed-over', leader, health };
  }

  /** Two primaries, the log and its backups, and the health. */
  private async newsOfLink({ facts, others }: Links, health: LinkHealth): Promise<News | Pause> {
    const { standing } = this.input;
    const { signal } = this.reporter;
    const theirs =
      standing === undefined ? undefined : await orAborted(otherFacts(this.observing, 'instance'), signal);
    if (standing?.splitBrainKnown === false) {
      const split = await orAborted(splitBrain(this.observing, 'server', facts, theirs), signal);
      if (split !== undefined) return { ...split, health };
    }
    const { verdict, news } = await this.logBackups.look(facts, others);
    if (news !== undefined) return { ...news, health };
    const changed = this.healthNews.ofLook(health);
    if (changed !== undefined) return changed;
    const progress = progressOf(facts, health, verdict);
    const roles = standing === undefined ? {} : { roles: rolesSeen('server', facts, theirs) };
    this.reporter.report({ ...progress, ...roles });
    const { clock, spec } = this.observing;
    return { pauseMs: nextLook(verdict, facts, clock.now(), spec.settings.polling) };
  }
}

interface Links {
  readonly facts: DistributedReplicaFacts;
  /** Of the same database to other instances. */
  readonly others: readonly DistributedReplicaFacts[];
}

/** A link that nobody can look at is not healthy: no log backups are taken meanwhile. */
const unreadable = (message: string, now: number): LinkHealth => ({
  observedAt: new Date(now).toISOString(),
  healthy: false,
  summary: `the link cannot be looked at, and no log backup be taken: ${message}`,
  lagSeconds: null,
  logUsedPercent: 0,
});

function throwIfNotPrimary(facts: DistributedReplicaFacts, { spec }: Observing): void {
  if (facts.localRoleDesc !== 'SECONDARY') return;
  throw new NeedsPerson(
    'ServerNotPrimary',
    `${spec.settings.server} is SECONDARY of the link, and this run did not fail it over`,
    'find out who failed over; if the cutover happened by other means, abort this run: it leaves link, groups and copy as they are then',
  );
}

function progressOf(facts: DistributedReplicaFacts, health: LinkHealth, verdict: LogBackupVerdict): Progress {
  return {
    version: 1,
    activity: 'replicating',
    waitingFor: verdict.reason,
    observedAt: facts.observedAt,
    logUsedPercent: health.logUsedPercent,
    log: logSpaceOf(facts, verdict),
    ...(health.lagSeconds === null ? {} : { lagSeconds: health.lagSeconds }),
    details: {
      link: health.summary,
      'send queue': `${facts.logSendQueueKb ?? '?'} KB`,
      'redo queue': `${facts.redoQueueKb ?? '?'} KB`,
    },
  };
}

/** Up to the next backup, if that is sooner than the next look. */
function nextLook(
  verdict: LogBackupVerdict,
  facts: DistributedReplicaFacts,
  now: number,
  polling: Polling,
): number {
  const untilLook = untilNextLook(now, polling.steady);
  if (verdict.nextDueAt === null) return untilLook;
  // The facts are shared, and may be older than this look.
  const age = ageMs(facts.observedAt, now);
  if (age === null) return untilLook;
  const serverNow = Date.parse(facts.serverTime) + age;
  return Math.min(untilLook, Math.max(Date.parse(verdict.nextDueAt) - serverNow, pacingOf(polling).dueMs));
}
