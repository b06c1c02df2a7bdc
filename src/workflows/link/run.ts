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
import type { JournalEffect } from '../../model/journal';
import { instanceIsFirst } from '../../model/link/initial-primary';
import {
  establishingFromInstance,
  forReplicas,
  LINK_PHASE_TITLES,
  type LinkPhase,
  type LinkStepId,
  type LinkStepInfo,
  linkProcedure,
  stepsOfPhase,
} from '../../model/link/procedure';
import { groupMembers } from '../../model/link/replicas';
import type { Unreached } from '../../model/unreached';
import { phaseKey } from '../../temporal/search-attribute-keys';
import { beforeAnyChange, longWithHeartbeat, notification, quickAndIdempotent } from '../activity-policies';
import { CarriedOver, carriedBy } from '../carried';
import { type Problem, RunControl } from '../run-control';
import { noteClosedDoors, tellClosedDoors } from './closed-doors';
import type { RunEvent } from './messages';
import { pauseOf } from './pausing';
import {
  addEvent,
  addJournalEntry,
  addPhase,
  type BegunStep,
  type LinkMigrationInput,
  type LinkRunState,
} from './state';

export class LinkRun {
  readonly control: RunControl;
  readonly quick: ActivityInterfaceFor<LinkActivities>;
  readonly long: ActivityInterfaceFor<LinkActivities>;
  readonly first: ActivityInterfaceFor<LinkActivities>;
  /** Step that is being performed. */
  step: string | null = null;
  /** Why the run is not further; empty while it works. */
  waitingFor = '';
  /** Why a step behind the point of no return does not go through yet; null while none is refused. */
  refusal: string | null = null;
  /** Grows with every message that may change what the run waits for. */
  changes = 0;
  /** What a pause holds now and what not, one sentence. */
  pauseNote = (): string => pauseOf(this.state.protection?.request ?? null);
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
      pauseNote: () => this.pauseNote(),
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
    const { cutover, seeding, instanceObjects, afterFailover } = this.spec.migration;
    const asked = { repairUsers: afterFailover.repairOrphanedUsers, objects: instanceObjects !== undefined };
    const procedure = instanceIsFirst(this.spec)
      ? establishingFromInstance()
      : linkProcedure(route, cutover.afterwards, seeding.keepLog, asked);
    const servers = groupMembers(this.spec).map(({ name }) => name);
    return stepsOfPhase(forReplicas(procedure, servers), phase);
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
   * @param act does the step; by default as often as it takes
   */
  async perform(step: LinkStepInfo, act = this.acting(step)): Promise<void> {
    this.step = step.title;
    await this.control.untilDone(step.title, () => this.attempt(step, act));
    this.step = null;
  }

  /**
   * One attempt of `perform`.
   * @param act does the step, where a failure is to be met in another way
   */
  async attempt(step: LinkStepInfo, act = this.acting(step)): Promise<void> {
    const { id: stepId, server } = step;
    const seen = await this.quick.observeLinkStep.executeWithOptions({ summary: `Look: ${step.title}` }, [
      { spec: this.spec, stepId, ...(server === undefined ? {} : { server }) },
    ]);
    this.control.throwIfAborted();
    if (seen.settled !== undefined && !this.hasBegun(stepId, server)) {
      noteClosedDoors(this, seen.unreached);
      this.record(step, 'already-done', [], seen.settled, 0);
      return;
    }
    this.begin(stepId, seen.before, server);
    const outcome = await act();
    noteClosedDoors(this, outcome.unreached);
    const effects = seen.planned.length > 0 ? seen.planned : outcome.effects;
    // An earlier attempt may have made the change and died before it could say so.
    const done = seen.planned.length > 0 ? 'done' : outcome.outcome;
    this.record(step, done, effects, outcome.evidence, outcome.durationMs);
  }

  /**
   * A step that proves something by doing it, and has nothing to undo: its look would only be in the way of the
   * applications, which wait for the proof.
   * @param act does the step; by default as often as it takes
   */
  async prove(step: LinkStepInfo, act = this.acting(step)): Promise<void> {
    this.step = step.title;
    const outcome = await this.control.untilDone(step.title, act);
    this.record(step, outcome.outcome, outcome.effects, outcome.evidence, outcome.durationMs);
    this.step = null;
  }

  /** Each call takes over what the one before it left. */
  private acting({ id: stepId, title, server }: LinkStepInfo) {
    const over = new CarriedOver();
    const on = server === undefined ? {} : { server };
    return () =>
      over.into((carried) =>
        this.long.performLinkStep.executeWithOptions({ summary: title }, [
          { spec: this.spec, stepId, ...on, ...carried },
        ]),
      );
  }

  hasBegun(stepId: LinkStepId, server?: string): boolean {
    return this.state.begun.some((begun) => begun.stepId === stepId && begun.server === server);
  }

  /** Notes the facts before a step, once: a later attempt would see its own effects. */
  begin(stepId: LinkStepId, before: unknown, server?: string): void {
    if (this.hasBegun(stepId, server)) return;
    this.state.begun.push({ stepId, ...(server === undefined ? {} : { server }), before });
  }

  /** Gives back what a step found. @returns a sentence about what had to be left, or undefined. */
  async undo(stepId: LinkStepId, server?: string): Promise<string | undefined> {
    const begun = this.latestBegun(stepId, server);
    return begun === undefined ? undefined : this.undoBegun(begun);
  }

  /** As `undo`, of one beginning of a step: one that cannot be undone does not stand before those that came earlier. */
  async undoBegun(begun: BegunStep): Promise<string | undefined> {
    const { stepId, server } = begun;
    const what = server === undefined ? stepId : `${stepId} on ${server}`;
    try {
      await this.giveBack(begun);
      return undefined;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const message =
        error instanceof ActivityFailure ? (error.cause?.message ?? error.message) : String(error);
      this.event('warning', 'undo.left-behind', `${what} could not be undone: ${message}`);
      return `${what} could not be undone: ${message}`;
    }
  }

  /** As `undo`. @throws ActivityFailure when the step could not be undone */
  async undoOrFail(stepId: LinkStepId, server?: string): Promise<void> {
    const begun = this.latestBegun(stepId, server);
    if (begun !== undefined) await this.giveBack(begun);
  }

  private latestBegun(stepId: LinkStepId, server: string | undefined): BegunStep | undefined {
    return this.state.begun.findLast(
      (candidate) => candidate.stepId === stepId && candidate.server === server,
    );
  }

  private async giveBack(begun: BegunStep): Promise<void> {
    const { stepId, server, before, after } = begun;
    const on = server === undefined ? {} : { server };
    const known = after === undefined ? {} : { after };
    const over = begun.undoing === undefined ? {} : { carried: begun.undoing };
    const undoing = this.quick.undoLinkStep.executeWithOptions({ summary: `Undo ${stepId}` }, [
      { spec: this.spec, stepId, ...on, before, ...known, ...over },
    ]);
    const undone = await undoing.catch((error) => {
      const left = carriedBy(error, begun.undoing);
      if (left !== undefined) begun.undoing = left;
      throw error;
    });
    this.state.begun = this.state.begun.filter((candidate) => candidate !== begun);
    const { effects, unreached } = 'unreached' in undone ? undone : { effects: undone, unreached: [] };
    noteClosedDoors(this, unreached);
    if (effects.length > 0) this.recordUndone(stepId, server, effects, unreached);
    await tellClosedDoors(this);
  }

  private recordUndone(
    stepId: LinkStepId,
    server: string | undefined,
    effects: readonly JournalEffect[],
    unreached: readonly Unreached[],
  ): void {
    const left = unreached.map((door) => door.server).join(', ');
    addJournalEntry(this.state, {
      at: this.now(),
      phase: this.state.phase,
      stepId,
      ...(server === undefined ? {} : { server }),
      title: server === undefined ? `Undo ${stepId}` : `Undo ${stepId} (${server})`,
      outcome: 'undone',
      effects,
      evidence: `the state before the step is back${left === '' ? '' : `, but for ${left}: no answer`}`,
      durationMs: 0,
    });
  }

  record(
    step: Pick<LinkStepInfo, 'id' | 'title' | 'phase' | 'server'>,
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
      ...(step.server === undefined ? {} : { server: step.server }),
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
