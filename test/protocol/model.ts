/**
 * The protocol of a failover as a small model, explored without gaps: two workers, Temporal, two sites, an application,
 * and a person who forces a failover. It shares no code with the product: it says what the product has to keep to
 * (docs/protocol.md).
 *
 * Nothing has to happen. A worker that takes no step is frozen, a statement that is not delivered is in a cut network, and
 * time passes meanwhile. Times are what is left of them, in ticks, so that the states are finite.
 */

/** What keeps harm away. With one of them taken out, the exploration shows what it is for. */
export interface Protections {
  /** The applications are kept out before the proof of catch-up. */
  readonly fence: boolean;
  /** Leave that expires: none; asked for before sending; also carried in the statement, and judged by the server. */
  readonly lease: 'none' | 'asked' | 'carried';
  /** A last look at the fence, later than any lease lasts, after a withdrawal and after a forced failover. */
  readonly lastLook: boolean;
}

/** Ticks until Temporal hands the work of a silent worker to the other one. */
const HEARTBEAT_TIMEOUT = 3;
/** By how much whoever judges a time may be wrong: the drift of all clocks on the way. */
const DRIFT = 1;
/** Temporal may time out DRIFT too early, and the server act DRIFT too late. */
const MARGIN = 2 * DRIFT;
const LEASE = HEARTBEAT_TIMEOUT - MARGIN;
const LAST_LOOK_AFTER = HEARTBEAT_TIMEOUT + MARGIN;
/** Statements under way at a time, and failovers that are begun. */
const MOST_UNDER_WAY = 2;
const MOST_FAILOVERS = 2;

type Act = 'fence' | 'lift' | 'swap' | 'promote';
type Rest = 'idle' | 'proof' | 'withdrawn' | 'rest' | 'crossed' | 'force-fence' | 'forced' | 'forced-rest';
type Step = Act | Rest;

/**
 * An attempt at a worker that looked, and found something to do. Temporal waits for it while it is current. `asked`: ticks
 * since it asked Temporal whether it may go on, until it reads the answer. `leave`: what is left of it, once it has any.
 */
type Attempt = { act: Act; isCurrent: boolean; asked: number | null; leave: number | null; sent: boolean };
/** A statement on its way, with the leave that it carries, if any, and the worker that waits, until its connection is lost. */
type Message = { readonly act: Act; leave: number | null; from: number | null };

interface State {
  step: Step;
  failovers: number;
  /** The activity under way, as Temporal knows it: ticks until its attempt times out; null between two attempts. */
  activity: { readonly act: Act; heartbeat: number | null; isCancelled: boolean } | null;
  /** Ticks until the last look. */
  timer: number;
  fenced: boolean;
  oldLeads: boolean;
  newLeads: boolean;
  /** An acknowledged row of the old primary has not reached the new one. */
  behind: boolean;
  lost: boolean;
  /** A person knows that something is not as it was asked for. */
  told: boolean;
  workers: (Attempt | null)[];
  network: Message[];
}

const IN_ORDER = { fenced: false, oldLeads: true, newLeads: false, behind: false, lost: false, told: false };
const NOTHING = { activity: null, timer: 0, workers: [null, null], network: [] };
const BEGIN: State = { step: 'idle', failovers: 0, ...NOTHING, ...IN_ORDER };

type CameBy = readonly [from: string, event: string] | null;
export type Harm = 'fence-up-untold' | 'row-lost' | 'two-sides-writable-untold';

/**
 * Breadth first, so that the first way to a harm is a shortest one. @param depth events at most
 * @returns how many states there are, and a shortest way to each kind of harm
 */
export function explore(protections: Protections, depth: number) {
  const first = JSON.stringify(BEGIN);
  const cameBy = new Map<string, CameBy>([[first, null]]);
  const harm = new Map<Harm, readonly string[]>();
  let frontier = [first];
  for (let reached = 0; frontier.length > 0 && reached < depth; reached += 1) {
    const next: string[] = [];
    for (const key of frontier) {
      for (const [event, state] of successors(key, protections)) {
        const there = JSON.stringify(state);
        if (cameBy.has(there)) continue;
        cameBy.set(there, [key, event]);
        next.push(there);
        for (const kind of harmIn(state)) if (!harm.has(kind)) harm.set(kind, wayTo(there, cameBy));
      }
    }
    frontier = next;
  }
  return { states: cameBy.size, isComplete: frontier.length === 0, harm };
}

function wayTo(key: string, cameBy: ReadonlyMap<string, CameBy>): readonly string[] {
  const way: string[] = [];
  for (let at = cameBy.get(key); at != null; at = cameBy.get(at[0])) way.unshift(at[1]);
  return way;
}

function harmIn({ step, fenced, oldLeads, newLeads, told, lost }: State): readonly Harm[] {
  if (lost) return ['row-lost'];
  if (told || !oldLeads) return [];
  if (step === 'rest' && fenced) return ['fence-up-untold'];
  return step === 'forced-rest' && newLeads && !fenced ? ['two-sides-writable-untold'] : [];
}

/** What may happen, and what it changes. */
type May = (event: string, change: Partial<State> | ((state: State) => void)) => void;

/** Everything that may happen next. */
function successors(key: string, protections: Protections): readonly (readonly [string, State])[] {
  const found: (readonly [string, State])[] = [];
  const seen = JSON.parse(key) as State;
  const may: May = (event, change) => {
    const state = JSON.parse(key) as State;
    if (typeof change === 'function') change(state);
    else Object.assign(state, change);
    found.push([event, state]);
  };
  may('a tick passes', tick);
  if (seen.oldLeads && !seen.fenced) may('the application commits a row', { behind: true });
  if (seen.oldLeads && !seen.newLeads) may('what is behind is replicated', { behind: false });
  workflowMoves(seen, protections, may);
  temporalMoves(seen, may);
  for (const worker of [0, 1]) workerMoves(seen, worker, protections.lease, may);
  for (const [index, message] of seen.network.entries()) deliveries(message, index, may);
  return found;
}

const oneLess = (left: number | null): number | null => (left === null ? null : Math.max(left - 1, -DRIFT));

function tick(state: State): void {
  state.timer = Math.max(state.timer - 1, 0);
  if (state.activity !== null) state.activity.heartbeat = oneLess(state.activity.heartbeat);
  for (const attempt of state.workers) {
    if (attempt === null) continue;
    attempt.leave = oneLess(attempt.leave);
    if (attempt.asked !== null) attempt.asked = Math.min(attempt.asked + 1, HEARTBEAT_TIMEOUT);
  }
  for (const message of state.network) message.leave = oneLess(message.leave);
}

/** Whatever a worker may still do, nobody waits for it. */
function begin(state: State, step: Step, act: Act): void {
  abandon(state);
  Object.assign(state, { step, activity: { act, heartbeat: null, isCancelled: false } });
}

/** From where a person may force a failover. */
const BEFORE_THE_SWAP: readonly Step[] = ['idle', 'fence', 'proof', 'lift', 'withdrawn', 'rest', 'swap'];

function workflowMoves(seen: State, { fence, lastLook }: Protections, may: May): void {
  const { step, activity, failovers } = seen;
  if (step === 'idle' || (step === 'rest' && failovers < MOST_FAILOVERS)) {
    may('a planned failover begins', (state) => {
      Object.assign(state, { failovers: failovers + 1, told: false });
      if (fence) begin(state, 'fence', 'fence');
      else state.step = 'proof';
    });
  }
  if (step === 'proof' && !seen.behind)
    may('catch-up is proved: the point of no return', (state) => begin(state, 'swap', 'swap'));
  if (step === 'proof') may('it is withdrawn', (state) => begin(state, 'lift', 'lift'));
  // What is cancelled is waited for.
  if (step === 'fence' && activity?.isCancelled === false)
    may('it is withdrawn', { activity: { ...activity, isCancelled: true } });
  const isTime = !lastLook || seen.timer <= DRIFT;
  if (step === 'withdrawn' && isTime) {
    may('the last look at the fence', (state) => {
      state.step = 'rest';
      if (!lastLook || !seen.fenced) return;
      begin(state, 'lift', 'lift');
      state.told = true;
    });
  }
  if (step === 'forced' && isTime) {
    const told = seen.told || (lastLook && seen.oldLeads && !seen.fenced);
    may('the last look at the old primary', { step: 'forced-rest', told });
  }
  if (BEFORE_THE_SWAP.includes(step)) {
    may('a person forces a failover', (state) => {
      begin(state, 'force-fence', 'fence');
      state.told = false;
    });
  }
  if (step === 'force-fence') {
    may('nothing waits for the dead: the fence is left, and a person is told', (state) => {
      begin(state, 'promote', 'promote');
      state.told = true;
    });
  }
}

function abandon({ workers }: State): void {
  for (const attempt of workers) if (attempt !== null) attempt.isCurrent = false;
}

/** What the workflow does at the end of an activity. */
function ended(state: State): void {
  const { step, activity } = state;
  state.activity = null;
  if (step === 'fence' && activity?.isCancelled === true) begin(state, 'lift', 'lift');
  else if (step === 'fence') state.step = 'proof';
  else if (step === 'swap') state.step = 'crossed';
  else if (step === 'force-fence') begin(state, 'promote', 'promote');
  else Object.assign(state, { step: step === 'lift' ? 'withdrawn' : 'forced', timer: LAST_LOOK_AFTER });
}

const isThere = (act: Act, { fenced, newLeads }: State): boolean =>
  act === 'fence' ? fenced : act === 'lift' ? !fenced : newLeads;

function temporalMoves({ activity, workers }: State, may: May): void {
  if (activity === null) return;
  const { act, heartbeat } = activity;
  for (const worker of [0, 1]) {
    if (heartbeat !== null || workers[worker] !== null) continue;
    may(`worker ${worker} is given ${act}, and looks`, (state) => {
      if (isThere(act, state)) return ended(state);
      state.activity = { ...activity, heartbeat: HEARTBEAT_TIMEOUT };
      state.workers[worker] = { act, isCurrent: true, asked: null, leave: null, sent: false };
    });
  }
  if (heartbeat !== null && heartbeat <= DRIFT)
    may('no heartbeat: the attempt times out', (state) => nextAttempt(state, false));
}

/** An attempt is over: the activity is done or cancelled, or there is another attempt. */
function nextAttempt(state: State, isDone: boolean): void {
  abandon(state);
  if (isDone || state.activity?.isCancelled === true) ended(state);
  else if (state.activity !== null) state.activity.heartbeat = null;
}

/** Temporal hears of it if it still waits for it. */
function report(state: State, worker: number, isDone: boolean): void {
  const isHeard = state.workers[worker]?.isCurrent === true;
  state.workers[worker] = null;
  if (isHeard) nextAttempt(state, isDone);
}

function workerMoves(seen: State, worker: number, lease: Protections['lease'], may: May): void {
  const { workers, network, activity } = seen;
  const attempt = workers[worker];
  if (attempt == null || attempt.sent) return;
  const { act, asked, leave, isCurrent } = attempt;
  const becomes = (event: string, change: Partial<Attempt>, further?: (state: State) => void): void =>
    may(`worker ${worker} ${event}`, (state) => {
      state.workers[worker] = { ...attempt, ...change };
      further?.(state);
    });
  if (lease !== 'none' && asked === null && leave === null) {
    // Temporal has the question at once, which is the worst: its own time begins as early as the lease.
    if (isCurrent && activity?.isCancelled === false)
      becomes('asks whether it may go on', { asked: 0 }, (state) => {
        state.activity = { ...activity, heartbeat: HEARTBEAT_TIMEOUT };
      });
    else becomes('hears that it may not go on', {}, (state) => report(state, worker, false));
  }
  if (asked !== null) becomes('reads that it may', { asked: null, leave: Math.max(LEASE - asked, -DRIFT) });
  if ((lease === 'none' || (leave !== null && leave + DRIFT > 0)) && network.length < MOST_UNDER_WAY) {
    becomes(`sends ${act}`, { sent: true }, (state) => {
      state.network.push({ act, leave: lease === 'carried' ? leave : null, from: worker });
    });
  }
  if (leave !== null && leave - DRIFT <= 0)
    becomes('has no leave any more', {}, (state) => report(state, worker, false));
}

function deliveries(message: Message, index: number, may: May): void {
  const { act, leave, from } = message;
  const arrive = (state: State, isDone: boolean): void => {
    state.network.splice(index, 1);
    if (isDone) perform(state, act);
    if (from !== null) report(state, from, isDone);
  };
  if (leave === null || leave + DRIFT > 0) may(`${act} is carried out`, (state) => arrive(state, true));
  if (leave !== null && leave - DRIFT <= 0)
    may(`${act} is refused: too late`, (state) => arrive(state, false));
  if (from !== null) {
    may(`the connection of ${act} is lost`, (state) => {
      state.network[index] = { ...message, from: null };
      report(state, from, false);
    });
  }
}

function perform(state: State, act: Act): void {
  if (act === 'fence' || act === 'lift') state.fenced = act === 'fence';
  else if (!state.newLeads) {
    state.newLeads = true;
    if (act === 'swap') Object.assign(state, { lost: state.behind, oldLeads: false });
  }
}
