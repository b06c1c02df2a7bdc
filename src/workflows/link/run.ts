/** One run of a link migration: its state, its activities, and how it performs a step. */

import {
  ActivityFailure,
  type ActivityInterfaceFor,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { LinkActivities } from '../../activities/link/api';
import { instanceIsFirst } from '../../model/link/initial-primary';
import {
  ESTABLISHING_FROM_INSTANCE,
  LINK_PHASE_TITLES,
  type LinkPhase,
  type LinkStepId,
  type LinkStepInfo,
  linkProcedure,
  stepsOfPhase,
} from '../../model/link/procedure';
import { phaseKey } from '../../temporal/search-attribute-keys';
import { beforeAnyChange, longWithHeartbeat, notification, quickAndIdempotent } from '../activity-policies';
import { type Problem, RunControl } from '../run-control';
import type { RunEvent } from './messages';
import { addEvent, addJournalEntry, addPhase, type LinkMigrationInput, type LinkRunState } from './state';

export class LinkRun {
  readonly control: RunControl;
  readonly quick: ActivityInterfaceFor<LinkActivities>;
  readonly long: ActivityInterfaceFor<LinkActivities>;
  readonly first: ActivityInterfaceFor<LinkActivities>;
  /** Step that is being performed. */
  step: string | null = null;
  /** Why the run is not further; empty while it works. */
  waitingFor = '';
  /** Grows with every message that may change what the run waits for. */
  changes = 0;
  private readonly notifications: Pick<LinkActivities, 'notifyPerson'>;

  constructor(
    readonly input: LinkMigrationInput,
    readonly state: LinkRunState,
    readonly workflowId: string,
  ) {
    const heartbeat = input.spec.migration.polling.heartbeatTimeout;
    this.quick = proxyActivities<LinkActivities>(quickAndIdempotent(heartbeat));
    this.long = proxyActivities<LinkActivities>(longWithHeartbeat(heartbeat));
    this.first = proxyActivities<LinkActivities>(beforeAnyChange(heartbeat));
    this.notifications = proxyActivities<LinkActivities>(notification);
    this.control = new RunControl({
      forwardOnly: () => forwardOnly(state),
      mayPause: () => state.protection !== null,
      isPaused: () => state.paused,
      setPaused: (paused, request) => {
        state.paused = paused;
        this.changes += 1;
        this.event(
          'info',
          paused ? 'run.paused' : 'run.resumed',
          `${paused ? 'paused' : 'resumed'} by ${request.by}`,
        );
      },
      problem: () => state.blockedBy,
      setProblem: (problem, where) => this.setProblem(problem, where),
      announce: (problem, where) =>
        this.tell(
          'critical',
          problem.code,
          `${where}: ${problem.message}`,
          `${problem.remedy}; then: sqlferry resume`,
        ),
    });
  }

  get spec() {
    return this.input.spec;
  }

  steps(phase: LinkPhase): readonly LinkStepInfo[] {
    const { route } = this.state;
    if (route === null) return [];
    const { cutover, seeding } = this.spec.migration;
    if (instanceIsFirst(this.spec)) return stepsOfPhase(ESTABLISHING_FROM_INSTANCE, phase);
    return stepsOfPhase(linkProcedure(route, cutover.afterwards, seeding.keepLog), phase);
  }

  now(): string {
    return new Date(Date.now()).toISOString();
  }

  /** Leaves the phase the run is in and enters another one. Entering it again after a new history changes nothing. */
  enter(phase: LinkPhase): void {
    const { state } = this;
    const open = state.phases.at(-1);
    if (open?.phase === phase && open.endedAt === null) return;
    this.leavePhase();
    state.phase = phase;
    addPhase(state, { phase, startedAt: this.now(), endedAt: null });
    if (this.input.visibility) upsertSearchAttributes([{ key: phaseKey, value: phase }]);
    this.describe(LINK_PHASE_TITLES[phase]);
  }

  leavePhase(): void {
    const open = this.state.phases.pop();
    if (open !== undefined) this.state.phases.push({ ...open, endedAt: open.endedAt ?? this.now() });
    this.waitingFor = '';
  }

  /** All steps of a phase in order, each at a quiet point. */
  async performPhase(phase: LinkPhase): Promise<void> {
    this.enter(phase);
    for (const step of this.steps(phase)) {
      await this.control.quietPoint();
      await this.perform(step);
    }
  }

  /**
   * Looks, notes in the history what will be done and what was there before, and does it. What `plan` shows and
   * what stands in the journal come from the same look (promise 3).
   */
  async perform(step: LinkStepInfo): Promise<void> {
    this.step = step.title;
    await this.control.untilDone(step.title, () => this.attempt(step));
    this.step = null;
  }

  /** One attempt of `perform`. @param long activities to act by, where a failure is to be met in another way */
  async attempt(step: LinkStepInfo, long: ActivityInterfaceFor<LinkActivities> = this.long): Promise<void> {
    const { spec } = this;
    const stepId = step.id;
    const seen = await this.quick.observeLinkStep.executeWithOptions({ summary: `Look: ${step.title}` }, [
      { spec, stepId },
    ]);
    this.control.throwIfAborted();
    if (seen.settled !== undefined && !this.hasBegun(stepId)) {
      this.record(step, 'already-done', [], seen.settled, 0);
      return;
    }
    this.begin(stepId, seen.before);
    const outcome = await long.performLinkStep.executeWithOptions({ summary: step.title }, [
      { spec, stepId },
    ]);
    const effects = seen.planned.length > 0 ? seen.planned : outcome.effects;
    // An earlier attempt may have made the change and died before it could say so.
    const done = seen.planned.length > 0 ? 'done' : outcome.outcome;
    this.record(step, done, effects, outcome.evidence, outcome.durationMs);
  }

  hasBegun(stepId: LinkStepId): boolean {
    return this.state.begun.some((begun) => begun.stepId === stepId);
  }

  /** Notes the facts before a step, once: a later attempt would see its own effects. */
  begin(stepId: LinkStepId, before: unknown): void {
    if (!this.hasBegun(stepId)) this.state.begun.push({ stepId, before });
  }

  /** Gives back what a step found. @returns a sentence about what had to be left, or undefined. */
  async undo(stepId: LinkStepId): Promise<string | undefined> {
    try {
      await this.undoOrFail(stepId);
      return undefined;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const message =
        error instanceof ActivityFailure ? (error.cause?.message ?? error.message) : String(error);
      this.event('warning', 'undo.left-behind', `${stepId} could not be undone: ${message}`);
      return `${stepId} could not be undone: ${message}`;
    }
  }

  /** As `undo`. @throws ActivityFailure when the step could not be undone */
  async undoOrFail(stepId: LinkStepId): Promise<void> {
    const begun = this.state.begun.find((candidate) => candidate.stepId === stepId);
    if (begun === undefined) return;
    const effects = await this.quick.undoLinkStep.executeWithOptions({ summary: `Undo ${stepId}` }, [
      { spec: this.spec, stepId, before: begun.before },
    ]);
    this.state.begun = this.state.begun.filter((candidate) => candidate !== begun);
    if (effects.length === 0) return;
    addJournalEntry(this.state, {
      at: this.now(),
      phase: this.state.phase,
      stepId,
      title: `Undo ${stepId}`,
      outcome: 'undone',
      effects,
      evidence: 'the state before the step is back',
      durationMs: 0,
    });
  }

  record(
    step: Pick<LinkStepInfo, 'id' | 'title' | 'phase'>,
    outcome: 'done' | 'already-done',
    effects: Parameters<typeof addJournalEntry>[1]['effects'],
    evidence: string,
    durationMs: number,
  ): void {
    addJournalEntry(this.state, {
      at: this.now(),
      // Not the phase of the moment: the creation of the link ends while its copy is being seeded.
      phase: step.phase,
      stepId: step.id,
      title: step.title,
      outcome,
      effects,
      evidence,
      durationMs,
    });
  }

  event(severity: RunEvent['severity'], code: string, message: string): void {
    addEvent(this.state, { at: this.now(), severity, code, message });
  }

  /** Notes an event and tells a person. A notifier that fails never holds a run up. */
  async tell(severity: RunEvent['severity'], code: string, message: string, nextStep: string): Promise<void> {
    this.event(severity, code, message);
    try {
      await this.notifications.notifyPerson({
        severity,
        code,
        workflowId: this.workflowId,
        title: `${this.spec.migration.name}: ${code}`,
        message,
        nextStep,
      });
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.event('warning', 'notification.failed', `nobody could be told of ${code}`);
    }
  }

  /** Text that the Temporal UI shows for the run. */
  describe(what: string): void {
    const { migration } = this.spec;
    const { source, target } = migration;
    const [from, to] = instanceIsFirst(this.spec) ? [target, source] : [source, target];
    setCurrentDetails(`**${what}** — ${migration.database}: ${from} → ${to}`);
  }

  private setProblem(problem: Problem | null, where: string): void {
    const known = this.state.blockedBy;
    const since = known !== null && known.stepId === where ? known.since : this.now();
    this.state.blockedBy = problem === null ? null : { since, stepId: where, ...problem };
    this.changes += 1;
  }
}

function forwardOnly(state: LinkRunState): string | null {
  if (state.forwardOnly !== null) return state.forwardOnly;
  return state.pointOfNoReturn === null
    ? null
    : 'the point of no return is passed: the roles are swapped, or are about to be';
}
