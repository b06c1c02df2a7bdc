/** One run of a link migration: its state, its activities, and how it performs a step. */

import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { instanceIsFirst } from '../../model/link/initial-primary';
import type { ResolvedLink } from '../../model/link/spec';
import type { JournalEffect } from '../../model/run/journal';
import type { Procedure, StepRef } from '../../model/run/procedure';
import type { Site } from '../../model/run/site';
import { phaseKey } from '../../temporal/search-attribute-keys';
import { procedureOf } from '../procedures';
import { noteUnliftedFences, tellUnliftedFences } from '../sql-server/unlifted-fences';
import { CarriedOver, carriedBy } from './carried';
import type { RunEvent } from './messages';
import { Notices } from './notices';
import { pauseOf } from './pause-notes';
import { type RunActivities, runActivities } from './run-activities';
import { type Problem, RunControl } from './run-control';
import {
  addEvent,
  addEventOfOthers,
  addJournalEntry,
  addPhase,
  type RunInput,
  type RunState,
  type StartedStep,
} from './state';
import { byHandOf, type LeftItem, leftSentence, type UndoItem } from './undo-items';
import { undoneEntry } from './undone-entry';
import { Waits } from './waits';

export class Run {
  readonly control: RunControl;
  /** Step that is being performed. */
  step: string | null = null;
  /** What is waited for beside the run's own course. */
  readonly waits = new Waits();
  /** When a forced failover was asked for that is not over yet, milliseconds; null while there is none. */
  forcedAt: number | null = null;
  /** Why a step behind the point of no return does not go through yet; null while none is refused. */
  refusal: string | null = null;
  /** Grows with every message that may change what the run waits for. */
  revision = 0;
  /** What people are being told just now. */
  readonly notices: Notices;
  /** What a pause holds now and what not, one sentence. */
  pauseNote = (): string => pauseOf(this.state.protection?.request ?? null);
  private ownWait = '';
  private activities: RunActivities;

  constructor(
    private given: RunInput,
    readonly state: RunState,
    readonly workflowId: string,
  ) {
    this.activities = runActivities(given.spec.settings.polling.heartbeatTimeout);
    const { notifyPerson } = this.activities.notifications;
    this.notices = new Notices(notifyPerson, ({ code }) =>
      this.logEvent('warning', 'notification.failed', `nobody could be told of ${code}`),
    );
    this.sendCarriedOver();
    this.control = new RunControl({
      forwardOnly: () => forwardOnly(state),
      mayPause: () => state.protection !== null,
      pauseNote: () => this.pauseNote(),
      isPaused: () => state.paused,
      setPaused: (paused, request) => {
        state.paused = paused;
        this.revision += 1;
        this.logEvent(
          'info',
          paused ? 'run.paused' : 'run.resumed',
          `${paused ? 'paused' : 'resumed'} by ${request.by}`,
        );
      },
      problem: () => state.blockedBy,
      setProblem: (problem, where) => this.setProblem(problem, where),
      announce: (problem, where) =>
        this.notify(
          'critical',
          problem.code,
          `${where}: ${problem.message}`,
          `${problem.remedy}; then: sqlferry resume`,
        ),
    });
  }

  get spec() {
    return this.given.spec;
  }

  /** From here on. What is under way goes on with the spec that it was begun with. */
  changeSpec(spec: RunInput['spec']): void {
    this.given = { ...this.given, spec };
    this.activities = runActivities(spec.settings.polling.heartbeatTimeout);
  }

  /** As the history that follows this one gets it, but for the state. */
  get input(): RunInput {
    return this.given;
  }

  get untilItSucceeds() {
    return this.activities.untilItSucceeds;
  }

  get longPoll() {
    return this.activities.longPoll;
  }

  get fewAttempts() {
    return this.activities.fewAttempts;
  }

  get watches() {
    return this.activities.watches;
  }

  get procedure(): Procedure<ResolvedLink> {
    return procedureOf(this.spec);
  }

  /** Places that can lead. */
  get sites(): readonly Site[] {
    return this.procedure.sites(this.spec);
  }

  /** Why the run is not further; empty while it works. */
  get waitingFor(): string {
    return this.waits.shown || this.ownWait;
  }

  /** What the run's own course waits for; who goes on beside it has words of their own in `waits`. */
  set waitingFor(text: string) {
    this.ownWait = text;
  }

  now(): string {
    return new Date(Date.now()).toISOString();
  }

  /** Leaves the phase the run is in and enters another one. Entering it again after a new history changes nothing. */
  enter(phase: string): void {
    const { state } = this;
    const open = state.phases.at(-1);
    if (open?.phase === phase && open.endedAt === null) return;
    this.leavePhase();
    state.phase = phase;
    addPhase(state, { phase, startedAt: this.now(), endedAt: null });
    if (this.input.visibility) upsertSearchAttributes([{ key: phaseKey, value: phase }]);
    this.describe(this.procedure.phases[phase] ?? phase);
  }

  leavePhase(): void {
    const open = this.state.phases.pop();
    if (open !== undefined) this.state.phases.push({ ...open, endedAt: open.endedAt ?? this.now() });
    this.waitingFor = '';
  }

  /**
   * Looks, notes in the history what will be done and what was there before, and does it. What `plan` shows and
   * what stands in the journal come from the same look (promise 4).
   * @param act does the step; by default as often as it takes
   */
  async perform(step: StepRef, act = this.acting(step)): Promise<void> {
    this.step = step.title;
    await this.control.untilDone(step.title, () => this.attempt(step, act));
    this.step = null;
  }

  /**
   * One attempt of `perform`.
   * @param act does the step, where a failure is to be met in another way
   */
  async attempt(step: StepRef, act = this.acting(step)): Promise<void> {
    const { id: stepId, server } = step;
    const seen = await this.untilItSucceeds.observeStep.executeWithOptions(
      { summary: `Look: ${step.title}` },
      [{ spec: this.spec, stepId, ...(server === undefined ? {} : { server }) }],
    );
    this.control.throwIfAborted();
    if (seen.settled !== undefined && !this.hasBegun(stepId, server)) {
      noteUnliftedFences(this, seen.unreached);
      this.journal(step, 'already-done', [], seen.settled, 0);
      return;
    }
    this.begin(stepId, seen.before, server, seen.planned);
    const outcome = await act();
    noteUnliftedFences(this, outcome.unreached);
    const effects = seen.planned.length > 0 ? seen.planned : outcome.effects;
    // An earlier attempt may have made the change and died before it could say so.
    const done = seen.planned.length > 0 ? 'done' : outcome.outcome;
    this.journal(step, done, effects, outcome.evidence, outcome.durationMs);
  }

  /**
   * A step that proves something by doing it, and has nothing to undo: its look would only be in the way of the
   * applications, which wait for the proof.
   * @param act does the step; by default as often as it takes
   */
  async prove(step: StepRef, act = this.acting(step)): Promise<void> {
    this.step = step.title;
    const outcome = await this.control.untilDone(step.title, act);
    this.journal(step, outcome.outcome, outcome.effects, outcome.evidence, outcome.durationMs);
    this.step = null;
  }

  /**
   * Each call takes over what the one before it left.
   * @param activities on which queue, and how long it is tried
   */
  acting(
    { id: stepId, title, server }: StepRef,
    activities: Pick<RunActivities['longPoll'], 'performStep'> = this.longPoll,
  ) {
    const over = new CarriedOver();
    const on = server === undefined ? {} : { server };
    return () =>
      over.into((carried) =>
        activities.performStep.executeWithOptions({ summary: title }, [
          { spec: this.spec, stepId, ...on, ...carried },
        ]),
      );
  }

  hasBegun(stepId: string, server?: string): boolean {
    return this.state.startedSteps.some((begun) => begun.stepId === stepId && begun.server === server);
  }

  /** Notes the facts before a step, once: a later attempt would see its own effects. */
  begin(
    stepId: string,
    before: unknown,
    server?: string,
    planned: readonly Pick<JournalEffect, 'undo'>[] = [],
  ): void {
    if (this.hasBegun(stepId, server)) return;
    const on = server === undefined ? {} : { server };
    this.state.startedSteps.push({ stepId, ...on, before, ...byHandOf(planned) });
  }

  /** What a step began on a server, latest first; of what repeats, all. */
  begunOf(stepIds: readonly string[]): readonly StartedStep[] {
    return this.state.startedSteps.filter(({ stepId }) => stepIds.includes(stepId)).toReversed();
  }

  /** One beginning of a step, as something that can be given back. */
  undoItem(begun: StartedStep): UndoItem {
    const { stepId, server: replica, byHand = [] } = begun;
    const { server, instance } = this.spec.settings;
    return {
      what: replica === undefined ? stepId : `${stepId} on ${replica}`,
      where: replica ?? (stepId.startsWith('instance.') ? instance : server),
      byHand,
      undo: () => this.giveBack(begun),
    };
  }

  /** Named, not silent: what stays behind. */
  noteLeft(left: LeftItem): void {
    this.logEvent('warning', 'undo.left-behind', leftSentence(left));
  }

  private async giveBack(begun: StartedStep): Promise<void> {
    const { stepId, server, before, after } = begun;
    const on = server === undefined ? {} : { server };
    const known = after === undefined ? {} : { after };
    this.step = `Undo ${stepId}`;
    const over = begun.undoing === undefined ? {} : { carried: begun.undoing };
    const undoing = this.activities.bounded.undoStep.executeWithOptions({ summary: `Undo ${stepId}` }, [
      { spec: this.spec, stepId, ...on, before, ...known, ...over },
    ]);
    const undone = await undoing.catch((error) => {
      const left = carriedBy(error, begun.undoing);
      if (left !== undefined) begun.undoing = left;
      throw error;
    });
    this.state.startedSteps = this.state.startedSteps.filter((candidate) => candidate !== begun);
    const { effects, unreached } = 'unreached' in undone ? undone : { effects: undone, unreached: [] };
    noteUnliftedFences(this, unreached);
    if (effects.length > 0) {
      const at = { at: this.now(), phase: this.state.phase };
      addJournalEntry(this.state, undoneEntry(at, begun, effects, unreached));
    }
    await tellUnliftedFences(this);
  }

  journal(
    step: Pick<StepRef, 'id' | 'title' | 'phase' | 'server'>,
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

  /** @param rule id of the rule that decided it */
  logEvent(severity: RunEvent['severity'], code: string, message: string, rule?: string): void {
    const by = rule === undefined ? {} : { rule };
    addEvent(this.state, { at: this.now(), severity, code, message, ...by });
  }

  /** A message that was not understood. */
  noteIgnored(message: string): void {
    const at = this.now();
    addEventOfOthers(this.state, { at, severity: 'warning', code: 'message.ignored', message });
  }

  /** A refusal is evidence (promise 13). */
  noteRefused(rule: string, message: string): void {
    const at = this.now();
    addEventOfOthers(this.state, { at, severity: 'info', code: 'request.refused', message, rule });
  }

  /**
   * Notes an event and tells a person. Nobody waits for the notifier: applications, or a forced failover, would wait with
   * them. Whoever ends the workflow sees to what is under way (`notices`).
   */
  async notify(
    severity: RunEvent['severity'],
    code: string,
    message: string,
    nextStep: string,
  ): Promise<void> {
    this.logEvent(severity, code, message);
    const title = `${this.spec.settings.name}: ${code}`;
    this.notices.send({ severity, code, workflowId: this.workflowId, title, message, nextStep });
  }

  /** At the end of a history: what nobody was told yet is told by the next one. */
  carryNoticesOver(): void {
    const { left } = this.notices;
    if (left.length > 0) this.state.untold = left;
  }

  private sendCarriedOver(): void {
    const { untold = [] } = this.state;
    delete this.state.untold;
    for (const notice of untold) this.notices.send(notice);
  }

  /** Text that the Temporal UI shows for the run. */
  describe(what: string): void {
    const { settings } = this.spec;
    const { server, instance } = settings;
    const [from, to] = instanceIsFirst(this.spec) ? [instance, server] : [server, instance];
    setCurrentDetails(`**${what}** — ${settings.database}: ${from} → ${to}`);
  }

  private setProblem(problem: Problem | null, where: string): void {
    const known = this.state.blockedBy;
    const since = known !== null && known.stepId === where ? known.since : this.now();
    this.state.blockedBy = problem === null ? null : { since, stepId: where, ...problem };
    this.revision += 1;
  }
}

function forwardOnly(state: RunState): string | null {
  if (state.forwardOnly !== null) return state.forwardOnly;
  return state.pointOfNoReturn === null
    ? null
    : 'the point of no return is passed: the roles are swapped, or are about to be';
}
