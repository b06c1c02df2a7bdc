/**
 * What goes wrong in one schedule. Every place where something can go wrong asks here; a schedule draws its faults from
 * its seed, or repeats those it is given: a fault that is left out moves no other one of another place.
 */
import type { Chance } from './chance';

/** Faults of machines, processes and everything between them. */
const BREAKDOWNS = [
  'delay',
  'reset',
  'stall',
  'lost-request',
  'lost-answer',
  'throttled',
  'unavailable',
  'server-error',
  'operation-fails',
  'crash',
  'freeze',
  'evict',
  'lost-completion',
  'partition',
  'clock-jumps',
  'server-restarts',
  'server-is-lost',
  'link-is-cut',
] as const;

/** What a person asks a run for. */
export const MESSAGES = [
  'pause',
  'resume',
  'abort',
  'approve',
  'postpone',
  'failover',
  'forced',
  'drill',
  'repair',
] as const;

export type FaultKind = (typeof BREAKDOWNS)[number] | (typeof MESSAGES)[number];

export interface Fault {
  /** Where it happens, and the how-manieth time this place asks, from 1. */
  readonly place: string;
  readonly occasion: number;
  readonly kind: FaultKind;
  /** How long it takes, milliseconds; its meaning is the kind's. */
  readonly ms: number;
}

export interface FaultOffer {
  readonly kind: FaultKind;
  /** How likely beside the others of this schedule; 1 is usual. */
  readonly weight: number;
  readonly ms: readonly [number, number];
}

/** What happened, in the order in which it did. */
export interface Faults {
  readonly happened: readonly Fault[];
  /** From now on things go wrong; nothing did before. */
  begin(): void;
  /** From now on nothing goes wrong any more. */
  stop(): void;
  /** @param place its name is the same in every run of the schedule. @returns what goes wrong here now, if anything */
  at(place: string, offers: readonly FaultOffer[]): Fault | undefined;
}

class Occasions {
  private readonly counts = new Map<string, number>();

  next(place: string): number {
    const count = (this.counts.get(place) ?? 0) + 1;
    this.counts.set(place, count);
    return count;
  }
}

const ALL_KINDS: readonly FaultKind[] = [...BREAKDOWNS, ...MESSAGES];

/**
 * Draws faults. Each schedule has its own mixture: some kinds only, often or seldom, since faults that come all at once
 * hide each other.
 */
export class DrawnFaults implements Faults {
  readonly happened: Fault[] = [];
  private readonly occasions = new Occasions();
  private readonly kinds: ReadonlySet<FaultKind>;
  private readonly rate: number;
  private isOn = false;

  constructor(
    private readonly chance: Chance,
    private readonly most: number,
  ) {
    const share = chance.oneOf([0.15, 0.35, 0.7, 1]);
    this.kinds = new Set(ALL_KINDS.filter(() => chance.happens(share)));
    this.rate = chance.duration(1, 100) / 5_000;
  }

  begin(): void {
    this.isOn = true;
  }

  stop(): void {
    this.isOn = false;
  }

  at(place: string, offers: readonly FaultOffer[]): Fault | undefined {
    const occasion = this.occasions.next(place);
    if (!this.isOn) return undefined;
    for (const { kind, weight, ms } of offers) {
      const happens = this.chance.happens(this.rate * weight);
      const takes = this.chance.duration(ms[0], ms[1]);
      if (!happens || !this.kinds.has(kind) || this.happened.length >= this.most) continue;
      const fault = { place, occasion, kind, ms: takes };
      this.happened.push(fault);
      return fault;
    }
    return undefined;
  }
}

/** Repeats what is written down. */
export class GivenFaults implements Faults {
  readonly happened: Fault[] = [];
  private readonly occasions = new Occasions();
  private readonly byOccasion: Map<string, Fault>;

  constructor(faults: readonly Fault[]) {
    this.byOccasion = new Map(faults.map((fault) => [`${fault.place}#${fault.occasion}`, fault]));
  }

  begin(): void {
    // What is written down happens at its occasion.
  }

  stop(): void {
    this.byOccasion.clear();
  }

  at(place: string, offers: readonly FaultOffer[]): Fault | undefined {
    const fault = this.byOccasion.get(`${place}#${this.occasions.next(place)}`);
    if (fault === undefined || !offers.some(({ kind }) => kind === fault.kind)) return undefined;
    this.happened.push(fault);
    return fault;
  }
}
