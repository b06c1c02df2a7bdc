/**
 * Every pause of workflows, activities and adapters: how long it is until something is looked at, asked for or tried
 * again. Where there is a spec, a pause is a multiple of what its `polling` says, so that a spec with short polling has
 * short pauses throughout: nothing waits 5 s beside an estate whose days are seconds.
 *
 * - of `active` (2 s by default): somebody waits, for the effect of a step, behind the fence, for a failover or an undo
 * - of `steady` (30 s by default): nobody waits while it replicates
 * - `seeding` stands for itself: it is looked at so often, and oftener towards the end
 * - constants, each with its reason, where there is no spec, or where several specs share what waits
 *
 * Bounds are no pauses, and stand where they are promised or judged: deadlines, time-outs, grace, the age of facts, how
 * long a failover may wait for the dead. They do not shrink with the polling.
 */
import type { Polling } from './settings';

/** Milliseconds before the second try, and the most that a pause grows to; each is twice the one before it. */
export interface GrowingPause {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Often at first, and rarely once a person had the time to look after it. All milliseconds. */
export interface TiringPause {
  readonly firstMs: number;
  /** Longest pause while it is tried often. */
  readonly oftenMs: number;
  /** For so long it is tried often. */
  readonly oftenForMs: number;
  /** Then: Temporal ends a workflow with 51,200 events, and where this is used no new history can begin. */
  readonly rarelyMs: number;
}

/** All milliseconds. */
export interface Pacing {
  /** Between looks at an effect or an operation that is under way. 1 s */
  readonly effectMs: number;
  /** Between looks behind the fence: applications are out meanwhile. 200 ms */
  readonly behindFenceMs: number;
  /** Between looks that only confirm what both sides say already. 5 ms */
  readonly agreedMs: number;
  /** Least pause of a watch for which something is due just now. 50 ms */
  readonly dueMs: number;
  /** Between looks at the roles after a failover that did not say how it ended. 10 s */
  readonly rolesInDoubtMs: number;
  /** Before a watch begins again after a failure for a person: the log must not wait for an answer. 5 min */
  readonly watchAfterProblemMs: number;
  /** Roles that others changed beside a request under way: until they are looked at again. 5 min */
  readonly besideRequestMs: number;
  /** Between looks at logins and jobs of a quiet primary, within one activity. 24 h */
  readonly objectsMs: number;
  /** After a failure of copying them that a person must mend. Before a failover all is tried in any case. 6 h */
  readonly objectsAfterProblemMs: number;
  /** A slot is asked for again: whoever gave the slots may have been ended by force, with all that it knew. 1 to 10 min */
  readonly slot: GrowingPause;
  /** The one who gives slots ended between the look whether it runs and the message to it. 1 s */
  readonly slotGiverGoneMs: number;
  /** A hook that may answer later is called again. 1 to 15 s */
  readonly hook: GrowingPause;
  /** What a run that ends gives back. 1 to 60 min */
  readonly undo: GrowingPause;
  /** What a withdrawn failover gives back: applications wait for it. 1 min, then 10 */
  readonly withdrawal: TiringPause;
  /** A step behind the point of no return. 5 to 30 s, then 10 min */
  readonly pastNoReturn: TiringPause;
  /** Attempts of activities, by their policy. */
  readonly attempts: {
    /** Reads, and quick changes that look first. 0.5 to 30 s */
    readonly soon: GrowingPause;
    /** Long waits, which the platform is to be left in peace for. 1 to 60 s */
    readonly patient: GrowingPause;
    /** A few attempts, for whose end somebody waits. 1 s at first */
    readonly few: Pick<GrowingPause, 'firstMs'>;
    /** Behind the point of no return. 1 to 5 s */
    readonly pastNoReturn: GrowingPause;
  };
}

/** @returns the pauses of a run; the numbers at `Pacing` are those of a spec that says nothing of its polling */
export function pacingOf({ active, steady }: Pick<Polling, 'active' | 'steady'>): Pacing {
  const soonest = whole(active / 2);
  const rarely = { oftenForMs: whole(active * 900), rarelyMs: whole(active * 300) };
  return {
    effectMs: soonest,
    behindFenceMs: whole(active / 10),
    agreedMs: whole(active / 400),
    dueMs: whole(active / 40),
    rolesInDoubtMs: whole(active * 5),
    watchAfterProblemMs: whole(steady * 10),
    besideRequestMs: whole(steady * 10),
    objectsMs: whole(steady * 2_880),
    objectsAfterProblemMs: whole(steady * 720),
    slot: { firstMs: whole(active * 30), longestMs: whole(active * 300) },
    slotGiverGoneMs: soonest,
    hook: { firstMs: soonest, longestMs: whole(active * 7.5) },
    undo: { firstMs: whole(active * 30), longestMs: whole(active * 1_800) },
    withdrawal: { firstMs: whole(active * 30), oftenMs: whole(active * 30), ...rarely },
    pastNoReturn: { firstMs: whole(active * 2.5), oftenMs: whole(active * 15), ...rarely },
    attempts: {
      soon: { firstMs: whole(active / 4), longestMs: whole(active * 15) },
      patient: { firstMs: soonest, longestMs: whole(active * 30) },
      few: { firstMs: soonest },
      pastNoReturn: { firstMs: soonest, longestMs: whole(active * 2.5) },
    },
  };
}

/** How an effect is waited for, milliseconds. */
export interface EffectPacing {
  /** Azure's Retry-After is for the patient: no pause between two looks at an operation is longer. 15 s */
  readonly longestMs: number;
  /** Between looks at the servers themselves, two small queries each, where applications wait. 100 ms */
  readonly glimpseMs: number;
  /**
   * A request without an answer is given so long to show: many looks, and longer than Azure takes. It puts a trust
   * certificate in about 3 s and deletes a link in about 12 s, and shows neither before it is done. 30 s
   */
  readonly silenceMs: number;
}

/** @param effectMs as `pacingOf` says it */
export const effectPacingOf = (effectMs: number): EffectPacing => ({
  longestMs: whole(effectMs * 15),
  glimpseMs: whole(effectMs / 10),
  silenceMs: whole(effectMs * 30),
});

/** @param tries that were made, from 1. @returns milliseconds until the next one */
export const growingPause = ({ firstMs, longestMs }: GrowingPause, tries: number): number =>
  Math.min(firstMs * 2 ** (tries - 1), longestMs);

/** The longest pause now, milliseconds. @param forMs how long it has been tried */
export const longestPause = ({ oftenMs, oftenForMs, rarelyMs }: TiringPause, forMs: number): number =>
  forMs < oftenForMs ? oftenMs : rarelyMs;

/** Of the one who gives slots. The runs that it serves have specs of their own, which may differ. */
export const SLOT_GIVER: {
  readonly newsMs: number;
  readonly probe: GrowingPause;
  readonly idleProbeMs: number;
} = {
  /** Who waits is told of a new place this often at most: each release would tell all others otherwise. */
  newsMs: 10_000,
  /** Holders are asked for a sign of life: soon when somebody begins to wait, ever more rarely after that. */
  probe: { firstMs: 10_000, longestMs: 300_000 },
  /** While nobody waits, a dead holder harms nobody; it only keeps its workflow alive. */
  idleProbeMs: 3_600_000,
};

/** Attempts at telling people. Who is told is not of the estate, however fast that runs; it may be away for hours. */
export const TELLING: GrowingPause = { firstMs: 1_000, longestMs: 300_000 };

/**
 * Tries of a read at Azure. All specs of an instance share its port, and Azure throttles by the subscription. A longer
 * wait is left to the caller, who can heartbeat meanwhile.
 */
export const AZURE_READ: GrowingPause = { firstMs: 500, longestMs: 10_000 };

/**
 * What waits for messages and times looks at its condition again at the latest then. Nothing is found by it that a
 * message would not tell; a timer without an end there is not.
 */
export const LONGEST_WAIT_MS = 7 * 86_400_000;

/** Whole milliseconds, at least one: timers have no finer ones. */
const whole = (ms: number): number => Math.max(1, Math.round(ms));
