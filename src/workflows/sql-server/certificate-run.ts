/** One rotation: its journal, its activities, and how it performs and undoes a step. */
import { isCancellation, proxyActivities } from '@temporalio/workflow';
import type { RunSteps } from '../../activities/run/api';
import type { Carried } from '../../activities/run/carried';
import type { CertificateActivities } from '../../activities/sql-server/certificate-api';
import type { CertificateSpec } from '../../activities/sql-server/certificate-spec';
import type { JournalEntry } from '../../model/run/journal';
import type { RotationPlan, RotationStepId } from '../../rules/sql-server/certificate-rotation';
import {
  BOUNDED_WORK_MS,
  bounded,
  briefNotification,
  longPoll,
  untilItSucceeds,
} from '../run/activity-policies';
import { answerOf } from '../run/answers';
import { CarriedOver, carriedBy } from '../run/carried';
import { onUpdate } from '../run/incoming';
import { type Problem, RunControl } from '../run/run-control';
import type { UndoItem } from '../run/undo-items';
import type { CertificateRotationInput } from './certificate-messages';

type Activities = CertificateActivities & Pick<RunSteps, 'observeStep' | 'performStep'>;

/** A step on one end, with what was there before it. */
interface Begun {
  readonly stepId: RotationStepId;
  readonly spec: CertificateSpec;
  readonly before: unknown;
  /** What a person can send to undo it. */
  readonly byHand: readonly string[];
  /** What an undo that gave up may have sent, for the next one. */
  undoing?: Carried;
}

export const ROTATION_STEP_TITLES: Readonly<Record<RotationStepId, string>> = {
  'rotation.create-certificate': 'Create the new certificate on the SQL Server',
  'rotation.trust-certificate': 'The instance trusts the new certificate, too',
  'rotation.switch-endpoint': 'The endpoint switches to the new certificate',
  'rotation.force-reconnect': 'The partners shake hands anew',
  'rotation.distrust-old-certificate': 'The instance forgets the old certificate',
  'rotation.drop-old-certificate': 'Drop the old certificate on the SQL Server',
};

export class CertificateRun {
  readonly control: RunControl;
  readonly untilItSucceeds: Activities;
  readonly longPoll: Activities;
  /** The look that proves a connection; it has a limit of its own. */
  readonly proving: Activities;
  /** Whatever becomes of it is known soon. */
  readonly bounded: Activities;
  readonly journal: JournalEntry[] = [];
  waitingFor = '';
  paused = false;
  blockedBy: Problem | null = null;
  /** Why there is no way back; null while there is one. */
  forwardOnly: string | null = null;
  private readonly notifications: Pick<RunSteps, 'notifyPerson'>;
  private begun: Begun[] = [];

  constructor(
    readonly input: CertificateRotationInput,
    readonly workflowId: string,
  ) {
    const { polling } = input.spec.settings;
    this.untilItSucceeds = proxyActivities<Activities>(untilItSucceeds(polling));
    this.longPoll = proxyActivities<Activities>(longPoll(polling));
    this.proving = proxyActivities<Activities>({
      ...longPoll(polling),
      scheduleToCloseTimeout: input.connectWithinMs + BOUNDED_WORK_MS,
    });
    this.bounded = proxyActivities<Activities>(bounded(polling));
    this.notifications = proxyActivities<RunSteps>(briefNotification);
    this.control = new RunControl({
      forwardOnly: () => this.forwardOnly,
      mayPause: () => false,
      pauseNote: () => 'no further step begins until resume',
      isPaused: () => this.paused,
      // A rotation ends within the hour, and its history holds what was asked of it.
      on: ({ update, shape, decide }) => onUpdate(update, shape, (request) => answerOf(decide(request))),
      setPaused: (paused) => {
        this.paused = paused;
      },
      problem: () => this.blockedBy,
      setProblem: (problem) => {
        this.blockedBy = problem;
      },
      announce: (problem, where) =>
        this.notify(
          'critical',
          problem.code,
          `${where}: ${problem.message}`,
          `${problem.remedy}; then resume`,
        ),
    });
  }

  /** All ends of the endpoint: each instance is asked through the spec that names it. */
  get ends(): readonly CertificateSpec[] {
    return [this.input.spec, ...this.input.others];
  }

  now(): string {
    return new Date(Date.now()).toISOString();
  }

  /** Looks, notes what was there, and does it. @returns when the step began, ISO 8601 */
  async perform(plan: RotationPlan, stepId: RotationStepId, spec = this.input.spec): Promise<string> {
    const title = ROTATION_STEP_TITLES[stepId];
    this.waitingFor = title;
    const over = new CarriedOver();
    return this.control.untilDone(title, async () => {
      const seen = await this.untilItSucceeds.observeRotationStep({ spec, plan, stepId });
      this.control.throwIfAborted();
      if (!this.hasBegun(stepId, spec)) {
        this.begun.push({ stepId, spec, before: seen.before, byHand: byHandOf(seen.planned) });
      }
      const done = await over.into((carried) =>
        this.longPoll.performRotationStep({ spec, plan, stepId, ...carried }),
      );
      const effects = seen.planned.length > 0 ? seen.planned : done.effects;
      this.note(
        stepId,
        title,
        effects.length > 0 ? 'done' : 'already-done',
        effects,
        done.evidence,
        done.durationMs,
      );
      return done.startedAt;
    });
  }

  /** As `perform`, once: what only a person can mend is thrown. */
  async tryStep(plan: RotationPlan, stepId: RotationStepId, spec = this.input.spec): Promise<void> {
    const title = ROTATION_STEP_TITLES[stepId];
    this.waitingFor = title;
    const seen = await this.untilItSucceeds.observeRotationStep({ spec, plan, stepId });
    const done = await this.longPoll.performRotationStep({ spec, plan, stepId });
    const effects = seen.planned.length > 0 ? seen.planned : done.effects;
    this.note(stepId, title, done.outcome, effects, done.evidence, done.durationMs);
  }

  /** A step of the topology itself: the same that its runs perform. */
  async performStep(stepId: string, title: string): Promise<string> {
    const { spec } = this.input;
    this.waitingFor = title;
    const over = new CarriedOver();
    return this.control.untilDone(title, async () => {
      const seen = await this.untilItSucceeds.observeStep({ spec, stepId });
      const done = await over.into((carried) => this.longPoll.performStep({ spec, stepId, ...carried }));
      const effects = seen.planned.length > 0 ? seen.planned : done.effects;
      this.note(stepId, title, done.outcome, effects, done.evidence, done.durationMs);
      return done.evidence;
    });
  }

  hasBegun(stepId: RotationStepId, spec = this.input.spec): boolean {
    return this.begun.some((one) => one.stepId === stepId && one.spec === spec);
  }

  /** What a step changed, on every end on which it began, latest first, as something that can be given back. */
  undoItems(plan: RotationPlan, stepId: RotationStepId): readonly UndoItem[] {
    return this.begun
      .filter((one) => one.stepId === stepId)
      .toReversed()
      .map((one) => ({
        what: ROTATION_STEP_TITLES[stepId],
        where:
          stepId === 'rotation.trust-certificate' ? one.spec.settings.instance : one.spec.settings.server,
        byHand: one.byHand,
        undo: () => this.giveBack(plan, one),
      }));
  }

  private async giveBack(plan: RotationPlan, one: Begun): Promise<void> {
    const { spec, before, stepId } = one;
    const title = `Undo: ${ROTATION_STEP_TITLES[stepId]}`;
    this.waitingFor = title;
    const over = one.undoing === undefined ? {} : { carried: one.undoing };
    const undoing = this.bounded.undoRotationStep({ spec, plan, stepId, before, ...over });
    const effects = await undoing.catch((error) => {
      const left = carriedBy(error, one.undoing);
      if (left !== undefined) one.undoing = left;
      throw error;
    });
    if (effects.length > 0)
      this.note(stepId, title, 'undone', effects, 'the state before the step is back', 0);
    this.begun = this.begun.filter((candidate) => candidate !== one);
  }

  /** A step that belongs to an undo: once, within a bounded time. */
  async performBounded(plan: RotationPlan, stepId: RotationStepId): Promise<void> {
    const { spec } = this.input;
    const title = ROTATION_STEP_TITLES[stepId];
    this.waitingFor = title;
    const done = await this.bounded.performRotationStep({ spec, plan, stepId });
    this.note(stepId, title, done.outcome, done.effects, done.evidence, done.durationMs);
  }

  note(
    stepId: string,
    title: string,
    outcome: JournalEntry['outcome'],
    effects: JournalEntry['effects'],
    evidence: string,
    durationMs: number,
  ): void {
    this.journal.push({
      at: this.now(),
      phase: 'certificates',
      stepId,
      title,
      outcome,
      effects,
      evidence,
      durationMs,
    });
  }

  /** Tells a person. A notifier that fails never holds a run up. */
  async notify(
    severity: 'info' | 'warning' | 'critical',
    code: string,
    message: string,
    nextStep: string,
  ): Promise<void> {
    try {
      await this.notifications.notifyPerson({
        severity,
        code,
        workflowId: this.workflowId,
        title: `${this.input.spec.settings.server}: ${code}`,
        message,
        nextStep,
      });
    } catch (error) {
      if (isCancellation(error)) throw error;
    }
  }
}

const byHandOf = (planned: JournalEntry['effects']): readonly string[] =>
  planned.flatMap(({ undo }) => (undo === undefined ? [] : [undo])).toReversed();
