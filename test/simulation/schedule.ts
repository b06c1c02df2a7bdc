/** One schedule: everything that a seed leads to, from the start of a run to its end. */
import type { EstateDefinitionInput } from '../../estate/world/definition';
import { openSandboxes } from '../support/workflow-sandbox';
import { worldSnapshot } from '../support/world-snapshot';
import { Adversary } from './adversary';
import { Chance } from './chance';
import { Coverage } from './coverage';
import { DrawnFaults, type Fault, type Faults, GivenFaults } from './faults';
import { ForcedFailovers } from './forced-failovers';
import { Invariants, type Violation } from './invariants';
import { Person, RUN, type SentMessage } from './person';
import { Stage } from './stage';
import { STORIES, type StoryName } from './stories';
import { installVirtualGlobals } from './virtual-globals';
import { newParty, type Party, TooManyEvents, VirtualTime } from './virtual-time';

export interface ScheduleOptions {
  readonly seed: number;
  readonly story: StoryName;
  /** In place of those that the seed draws. */
  readonly faults?: readonly Fault[];
}

export interface Outcome {
  readonly seed: number;
  readonly story: StoryName;
  readonly violations: readonly Violation[];
  readonly faults: readonly Fault[];
  readonly messages: readonly SentMessage[];
  /** How the run itself says that it ended. */
  readonly ending: string;
  readonly events: number;
  readonly virtualMs: number;
  /** Attempts of activities by type. */
  readonly attempts: Readonly<Record<string, number>>;
  /** What was under way when something went wrong or somebody asked: `step × kind`, how often. */
  readonly covered: Readonly<Record<string, number>>;
  /** Everything that happened, for people. */
  readonly timeline: string;
}

const START = Date.parse('2026-11-02T08:00:00Z');
const MOST_FAULTS = 12;
const MOST_EVENTS = 250_000;
const HOUR_MS = 3_600_000;
/** Once all is well, a link that stands for years is left alone for this long and then removed. */
const REMOVED_AFTER_MS = 20 * 60_000;
/** How long all goes well at first: what goes wrong must not all meet the first steps. */
const QUIET_MS: readonly [number, number] = [1_000, 20 * 60_000];
/** How long things go wrong. */
const CHAOS_MS: readonly [number, number] = [3 * 60_000, 60 * 60_000];
/** A run that is not at its end by then, though all is well and a person looks after it, waits for nothing. */
const ENDS_WITHIN_MS = 10 * HOUR_MS;

export async function runSchedule(options: ScheduleOptions): Promise<Outcome> {
  await openSandboxes();
  const chance = new Chance(options.seed);
  const faults: Faults =
    options.faults === undefined
      ? new DrawnFaults(chance.derive('faults'), MOST_FAULTS)
      : new GivenFaults(options.faults);
  let before: (party: Party) => void = () => undefined;
  const time = new VirtualTime(START, newParty('outside'), (party) => before(party));
  const restore = installVirtualGlobals(time, chance.derive('libraries'));
  try {
    const stage = new Stage(time, faults, chance, STORIES[options.story].estate as EstateDefinitionInput);
    const schedule = new Schedule(options, chance, stage);
    before = (party) => schedule.beforeEvent(party);
    return await schedule.run();
  } finally {
    restore();
  }
}

class Schedule {
  private readonly adversary: Adversary;
  private readonly person: Person;
  private readonly invariants: Invariants;
  private readonly coverage: Coverage;
  private readonly forced: ForcedFailovers;
  private effectsSeen = 0;

  constructor(
    private readonly options: ScheduleOptions,
    private readonly chance: Chance,
    private readonly stage: Stage,
  ) {
    this.adversary = new Adversary(stage, chance.derive('adversary'));
    this.invariants = new Invariants(stage);
    this.forced = new ForcedFailovers(stage, this.invariants);
    this.person = new Person(stage, chance.derive('person'), STORIES[options.story].stands, () =>
      this.forced.accepted(),
    );
    this.coverage = new Coverage(stage, ({ kind }) => this.forced.fault(kind));
    stage.watching = this.forced;
  }

  beforeEvent(party: Party): void {
    if (this.stage.isWorker(party)) this.adversary.beforeEvent(party);
  }

  async run(): Promise<Outcome> {
    const { stage, chance } = this;
    const { time, service } = stage;
    const before = worldSnapshot(stage.estate.world);
    this.startWorkers();
    const { workflowType, sections } = STORIES[this.options.story];
    service.start(workflowType, RUN, [{ spec: stage.spec(sections), visibility: false }]);
    stage.application.start();
    this.adversary.start();
    this.person.start();
    const { party } = this.adversary;
    const chaos = chance.derive('chaos');
    const quietMs = chaos.happens(0.3) ? 0 : chaos.duration(...QUIET_MS);
    time.schedule(party, quietMs, () => stage.faults.begin());
    time.schedule(party, quietMs + chaos.duration(...CHAOS_MS), () => {
      stage.timeline.note('all is well from now on');
      this.adversary.calm();
      this.person.calm(REMOVED_AFTER_MS);
    });
    await this.toTheEnd();
    if (!this.invariants.isBroken) await this.judge(before);
    stage.application.stop();
    return this.outcome();
  }

  private startWorkers(): void {
    const clocks = this.chance.derive('clocks');
    const areWrong = clocks.happens(0.3);
    for (const name of ['worker-1', 'worker-2']) {
      const skewMs = clocks.duration(1, 600_000) * (clocks.happens(0.5) ? 1 : -1);
      this.stage.startWorker(name, areWrong ? skewMs : 0);
    }
  }

  private async toTheEnd(): Promise<void> {
    const { time } = this.stage;
    try {
      const isOver = await time.run(() => this.isOver(), {
        untilMs: time.now + ENDS_WITHIN_MS,
        events: MOST_EVENTS,
      });
      if (!isOver) this.invariants.broken('the run does not end', this.whatItWaitsFor());
    } catch (error) {
      if (!(error instanceof TooManyEvents)) throw error;
      this.invariants.broken('the run does not end', `${error.message}; ${this.whatItWaitsFor()}`);
    }
  }

  private isOver(): boolean {
    this.noteEffects();
    this.coverage.afterEvent();
    this.forced.afterEvent();
    this.invariants.afterEvent();
    if (this.invariants.isBroken) return true;
    return this.stage.service.all.every(({ ending }) => ending !== undefined);
  }

  private noteEffects(): void {
    const effects = this.stage.estate.world.effects();
    for (; this.effectsSeen < effects.length; this.effectsSeen += 1) {
      const effect = effects[this.effectsSeen];
      if (effect === undefined || effect.actor === 'app') continue;
      const { instance, outcome, text, error } = effect;
      this.stage.timeline.note(
        `${instance} ${outcome}: ${text}${error === undefined ? '' : ` (${error.message})`}`,
      );
    }
  }

  private whatItWaitsFor(): string {
    const { status } = this.person;
    const open = this.stage.service.open.map(({ type, attempt }) => `${type} (attempt ${attempt})`);
    return `${status?.phase ?? 'never seen'}: ${status?.waitingFor ?? ''}; open: ${open.join(', ')}; problem: ${status?.blockedBy?.message ?? 'none'}`;
  }

  private async judge(before: Record<string, unknown>): Promise<void> {
    await STORIES[this.options.story].judge({
      stage: this.stage,
      invariants: this.invariants,
      before,
      person: this.person,
    });
    await this.replayAll();
  }

  /** Whatever the caches of the workers did: every history leads to the same commands again. */
  private async replayAll(): Promise<void> {
    const { time } = this.stage;
    let isDone = false;
    time.schedule(newParty('replay'), 0, () => {
      void this.replayEach().then(() => {
        isDone = true;
      });
    });
    await time.run(() => isDone, { untilMs: time.now + HOUR_MS, events: MOST_EVENTS });
  }

  private async replayEach(): Promise<void> {
    for (const execution of this.stage.service.history) {
      await execution.replayWhole().catch((error: unknown) => {
        this.invariants.broken('a replay differs', error instanceof Error ? error.message : String(error));
      });
    }
  }

  private outcome(): Outcome {
    const { stage, options } = this;
    const { ending } = stage.service.execution(RUN) ?? {};
    return {
      seed: options.seed,
      story: options.story,
      violations: this.invariants.violations,
      faults: [...stage.faults.happened],
      messages: this.person.sent,
      ending: ending === undefined ? 'running' : describe(ending),
      events: stage.time.events,
      virtualMs: Math.round(stage.time.now - START),
      attempts: Object.fromEntries(stage.service.delivered.attempts),
      covered: Object.fromEntries(this.coverage.counts),
      timeline: stage.timeline.text,
    };
  }
}

function describe(ending: {
  readonly kind: string;
  readonly result?: unknown;
  readonly error?: Error;
}): string {
  const { outcome } = (ending.result ?? {}) as { outcome?: string };
  return outcome ?? `${ending.kind} ${ending.error?.message ?? ''}`.trim();
}
