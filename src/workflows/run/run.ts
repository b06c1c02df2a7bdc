/** One run: its state, its activities, and how it performs a step. What it sets up is its topology's affair. */

import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { LiftedFence } from '../../activities/run/api';
import type { JournalEffect } from '../../model/run/journal';
import type { PendingOnServer } from '../../model/run/pending-on-server';
import { type Procedure, type StepRef, serverOf } from '../../model/run/procedure';
import type { RunSpec } from '../../model/run/run-spec';
import { otherSiteOf, type Site, type SiteId, siteOf, siteOfStep } from '../../model/run/site';
import { phaseKey } from '../../temporal/search-attribute-keys';
import { type Answer, answerOf, type Decision, plainEvent, type Request } from './answers';
import { CarriedOver, carriedBy } from './carried';
import { type Incoming, onUpdate } from './incoming';
import type { RunEvent } from './messages';
import { Notices } from './notices';
import { pauseOf } from './pause-notes';
import { type RunActivities, runActivities } from './run-activities';
import { type Problem, RunControl } from './run-control';
import type { RunInput, RunState, StartedStep } from './state';
import { addEvent, addEventOfOthers, addJournalEntry, addPhase, isTold } from './state-entries';
import type { WorkflowTopology } from './topology';
import { byHandOf, type LeftItem, leftSentence, type UndoItem } from './undo-items';
import { undoneEntry } from './undone-entry';
import { UnliftedFences } from './unlifted-fences';
import { Waits } from './waits';

export class Run<Spec extends RunSpec = RunSpec, Own extends object = object> {
  readonly control: RunControl;
  /** Step that is being performed. */
  step: string | null = null;
  /** What is waited for beside the run's own course. */
  readonly waits = new Waits();
  /** When a forced failover was asked for that is not over yet, milliseconds; null while there is none. */
  forcedAt: number | null = null;
  /** Why a step behind the point of no return does not go through yet; null while none is refused. */
  refusal: string | null = null;
  /** It ends, though what it set up stands: nothing that is asked of it now would be done. */
  isEnding = false;
  /** Grows with every message that may change what the run waits for. */
  revision = 0;
  /** What people are being told just now. */
  readonly notices: Notices;
  /** Replicas on which the fence could not be lifted yet. */
  readonly fences: UnliftedFences;
  /** What a pause holds now and what not, one sentence. */
  pauseNote = (): string => pauseOf(this.state.protection?.request ?? null, this.procedure.goesOn);
  private ownWait = '';
  private activities: RunActivities;

  constructor(
    readonly topology: WorkflowTopology<Spec, Own>,
    private given: RunInput<Spec, Own>,
    readonly state: RunState & Own,
    readonly workflowId: string,
  ) {
    this.activities = runActivities(given.spec.settings.polling);
    const { notifyPerson } = this.activities.notifications;
    this.notices = new Notices(notifyPerson, ({ code }) =>
      this.logEvent('warning', 'notification.failed', `nobody could be told of ${code}`),
    );
    this.sendCarriedOver();
    this.fences = new UnliftedFences(this);
    this.control = new RunControl({
      forwardOnly: () => forwardOnly(state),
      mayPause: () => state.protection !== null,
      pauseNote: () => this.pauseNote(),
      isPaused: () => state.paused,
      on: (incoming) => this.on(incoming),
      setPaused: (paused) => {
        state.paused = paused;
        this.revision += 1;
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

  get spec(): Spec {
    return this.given.spec;
  }

  /** From here on. What is under way goes on with the spec that it was begun with. */
  changeSpec(spec: Spec): void {
    this.given = { ...this.given, spec };
    this.activities = runActivities(spec.settings.polling);
  }

  /** As the history that follows this one gets it, but for the state. */
  get input(): RunInput<Spec, Own> {
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

  get procedure(): Procedure<Spec> {
    return this.topology.procedure;
  }

  /** Places that can lead. */
  get sites(): readonly Site[] {
    return this.procedure.sites(this.spec);
  }

  /** @throws RangeError for a site that the procedure does not know */
  site(id: SiteId): Site {
    return siteOf(this.sites, id);
  }

  /** The site that is not this one. */
  otherSite(id: SiteId): Site {
    return otherSiteOf(this.sites, id);
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
   * @param act does the step, `look` looks at it; both by default as often as it takes
   */
  async perform(step: StepRef, act = this.acting(step), look = this.looking(step)): Promise<void> {
    this.step = step.title;
    await this.control.untilDone(step.title, () => this.attempt(step, act, look));
    this.step = null;
  }

  /**
   * One attempt of `perform`.
   * @param act does the step, where a failure is to be met in another way
   */
  async attempt(step: StepRef, act = this.acting(step), look = this.looking(step)): Promise<void> {
    const { id: stepId, server } = step;
    const seen = await look();
    this.control.throwIfAborted();
    if (seen.settled !== undefined && !this.hasBegun(stepId, server)) {
      this.fences.note(seen.unreached);
      this.journal(step, 'already-done', [], seen.settled, 0);
      return;
    }
    this.begin(stepId, seen.before, server, seen.planned);
    const outcome = await act();
    this.fences.note(outcome.unreached);
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
  acting(step: StepRef, activities: Pick<RunActivities['longPoll'], 'performStep'> = this.longPoll) {
    const over = new CarriedOver();
    const options = { summary: step.title };
    return () =>
      over.into((carried) =>
        activities.performStep.executeWithOptions(options, [{ ...this.inputOf(step), ...carried }]),
      );
  }

  /** @param activities how often and how long it is tried */
  looking(step: StepRef, activities: Pick<RunActivities['longPoll'], 'observeStep'> = this.untilItSucceeds) {
    const options = { summary: `Look: ${step.title}` };
    return () => activities.observeStep.executeWithOptions(options, [this.inputOf(step)]);
  }

  /** A step as its activities take it. */
  inputOf(step: StepRef) {
    return { spec: this.spec, stepId: step.id, ...serverOf(step) };
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
    return {
      what: replica === undefined ? stepId : `${stepId} on ${replica}`,
      where: replica ?? siteOfStep(this.sites, stepId).name,
      byHand,
      undo: () => this.giveBack(begun),
    };
  }

  /** Named, not silent: what stays behind. */
  noteLeft(left: LeftItem): void {
    this.logEvent('warning', 'undo.left-behind', leftSentence(left));
  }

  private async giveBack(begun: StartedStep): Promise<void> {
    const { stepId, before, after } = begun;
    const known = after === undefined ? {} : { after };
    this.step = `Undo ${stepId}`;
    const over = begun.undoing === undefined ? {} : { carried: begun.undoing };
    const undoing = this.activities.bounded.undoStep.executeWithOptions({ summary: `Undo ${stepId}` }, [
      { spec: this.spec, stepId, ...serverOf(begun), before, ...known, ...over },
    ]);
    const { effects, unreached } = await undoing.catch((error) => {
      const left = carriedBy(error, begun.undoing);
      if (left !== undefined) begun.undoing = left;
      throw error;
    });
    this.state.startedSteps = this.state.startedSteps.filter((candidate) => candidate !== begun);
    this.fences.note(unreached);
    if (effects.length > 0) {
      const at = { at: this.now(), phase: this.state.phase };
      addJournalEntry(this.state, undoneEntry(at, begun, effects, unreached));
    }
    await this.fences.tell();
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
      // Not the phase of the moment: what is created may still be under way while its copy is being seeded.
      phase: step.phase,
      stepId: step.id,
      ...serverOf(step),
      title: step.title,
      outcome,
      effects,
      evidence,
      durationMs,
    });
  }

  /** The one way in for a request: its shape is checked, it is decided at once, and what was decided is noted. */
  on<Asked extends Request>(incoming: Incoming<Asked>): void {
    const { update, shape } = incoming;
    onUpdate(update, shape, (request) =>
      this.decide(request.by, incoming.asked(request), incoming.decide(request)),
    );
  }

  /** Who asked what, and which rule let it happen or not: both answers are evidence (promise 13). */
  private decide(by: string, asked: string, decision: Decision): Answer {
    const { rule, event } = decision;
    // What has no event of its own changed nothing: however often it is asked for, it pushes nothing else out.
    const add = event === undefined ? addEventOfOthers : addEvent;
    const what = event ?? plainEvent(`${asked} asked for by ${by}`, decision);
    add(this.state, { at: this.now(), ...what, rule, by });
    return answerOf(decision);
  }

  /** What happened; what somebody asked for is noted by `decide`. */
  logEvent(severity: RunEvent['severity'], code: string, message: string): void {
    addEvent(this.state, { at: this.now(), severity, code, message });
  }

  /** What somebody sends who is not understood, or has no business here: told once, it pushes nothing else out. */
  noteIgnored(message: string, code = 'message.ignored'): void {
    const event = { at: this.now(), severity: 'warning', code, message } as const;
    if (!isTold(this.state, event)) addEventOfOthers(this.state, event);
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
    setCurrentDetails(`**${what}** — ${this.procedure.describe(this.spec)}`);
  }

  /** For `UnliftedFences`: lets applications in at a site. */
  admission(site: SiteId): StepRef | undefined {
    return this.procedure.failover(this.spec, 'planned', site).admit[0];
  }

  /** For `UnliftedFences`: asks each replica once. */
  lift(fences: readonly PendingOnServer[]): Promise<readonly LiftedFence[]> {
    return this.fewAttempts.liftRemainingFences({ spec: this.spec, fences });
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
