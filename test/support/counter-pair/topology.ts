/** What the activities of any run need of a pair of counters: six steps, and the looks that only it can take. */

import type { Health } from '../../../src/activities/run/api';
import type { EffectPorts } from '../../../src/activities/run/apply-effect';
import type { LookCall, RunCall } from '../../../src/activities/run/call';
import { NeedsPerson, NotYet } from '../../../src/activities/run/failures';
import type { ChangePlanning } from '../../../src/activities/run/plan-change';
import { type AnyStep, defineStep } from '../../../src/activities/run/step';
import type { Topology } from '../../../src/activities/run/topology';
import { otherSiteOf, type SiteId } from '../../../src/model/run/site';
import { type Action, COUNTER_PROCEDURE, type CounterSite, SITES } from './procedure';
import type { CounterPairSpec } from './spec';
import { COMMANDS, type Counter, type CounterPair, commandStatement, type Role } from './world';

export interface CounterPorts extends EffectPorts {
  readonly pair: CounterPair;
}

type Step = AnyStep<CounterPorts, CounterPairSpec>;
type Call = LookCall<CounterPairSpec, CounterPorts>;
type Watching = RunCall<CounterPairSpec, CounterPorts>;

interface Doing {
  /** Why nothing is to be done; undefined while something is. */
  readonly settled: (now: Counter) => string | undefined;
  /** Gives back what was before; absent: it needs not be undone. */
  readonly undoneBy?: (before: Counter) => Action | undefined;
  readonly always?: true;
}

const STEPS: Readonly<Record<Action, Doing>> = {
  follow: { settled: ({ role }) => is(role, 'SECONDARY'), undoneBy: () => 'part' },
  fence: {
    settled: ({ isOpen }) => (isOpen ? undefined : 'nobody may count'),
    undoneBy: ({ isOpen }) => (isOpen ? 'admit' : undefined),
  },
  lead: { settled: ({ role }) => is(role, 'PRIMARY') },
  count: { always: true, settled: () => undefined },
  admit: { settled: ({ isOpen }) => (isOpen ? 'everybody may count' : undefined) },
  part: { settled: ({ role }) => is(role, 'ALONE') },
};

const is = (role: Role, wanted: Role): string | undefined => (role === wanted ? `it is ${role}` : undefined);

const tell = (on: CounterSite, action: Action) => ({
  kind: 'tsql' as const,
  on,
  statement: commandStatement(COMMANDS[action]),
});

/** A counter as it will be once a step before is done, for a plan. */
function afterStep(counter: Counter, site: CounterSite, stepId: string): Counter {
  const [on, action] = stepId.split('.');
  if (action === 'lead') return { ...counter, role: on === site ? 'PRIMARY' : 'SECONDARY' };
  if (on !== site) return counter;
  if (action === 'fence') return { ...counter, isOpen: false };
  return action === 'admit' ? { ...counter, isOpen: true } : counter;
}

const stepOn = (site: CounterSite, action: Action): Step => {
  const { settled, undoneBy, always } = STEPS[action];
  return defineStep<CounterPorts, CounterPairSpec, Counter>({
    id: `${site}.${action}`,
    ...(always ? { always } : {}),
    observe: async ({ ports }) => ports.pair.read(site),
    settled,
    effects: async () => [tell(site, action)],
    assume: (seen, _context, before) => before.reduce((counter, id) => afterStep(counter, site, id), seen),
    undo: async (before) => {
      const undone = undoneBy?.(before);
      return undone === undefined ? [] : [tell(site, undone)];
    },
  });
};

const actions = Object.keys(STEPS) as readonly Action[];
const steps = SITES.flatMap((site) => actions.map((action) => stepOn(site, action)));

const side = (id: SiteId): CounterSite => (id === 'left' ? 'left' : 'right');

/** Null where it does not answer. */
function looked({ pair }: CounterPorts, site: SiteId): Counter | null {
  try {
    return pair.read(side(site));
  } catch {
    return null;
  }
}

interface Pair {
  readonly primary: Counter | null;
  readonly other: Counter | null;
}

const both = ({ context: { ports, spec } }: Call, primary: SiteId): Pair => ({
  primary: looked(ports, primary),
  other: looked(ports, otherSiteOf(COUNTER_PROCEDURE.sites(spec), primary).id),
});

const now = ({ context }: Call): string => new Date(context.clock.now()).toISOString();

const isBehind = ({ primary, other }: Pair): boolean =>
  primary === null || other === null || primary.value !== other.value;

function healthOf(call: Call, primary: SiteId): Health {
  const pair = both(call, primary);
  const healthy = !isBehind(pair) && pair.other?.role === 'SECONDARY';
  return {
    observedAt: now(call),
    healthy,
    summary: healthy ? 'both count the same' : 'the other counter does not keep up',
    lagSeconds: healthy ? 0 : null,
  };
}

async function untilSame(call: Watching, primary: SiteId): Promise<string> {
  for (;;) {
    const health = healthOf(call, primary);
    if (health.healthy) return health.summary;
    await call.context.clock.sleep(call.context.spec.settings.polling.active, call.context.signal);
  }
}

export const COUNTER_PAIR: Topology<CounterPairSpec, CounterPorts> = {
  procedure: COUNTER_PROCEDURE,
  steps: Object.fromEntries(steps.map((step) => [step.id, step])),
  party: (spec, site) => ({ side: site, name: spec[side(site)], host: null, port: 1 }),
  async preflight(call) {
    const answers = looked(call.context.ports, 'right') !== null;
    const check = {
      id: 'counter.answers',
      title: 'The other counter answers',
      severity: 'blocker' as const,
      outcome: answers ? ('passed' as const) : ('failed' as const),
      evidence: answers ? 'it answers' : 'it does not answer',
      remedy: answers ? null : 'start it',
      source: 'none',
      preventsError: null,
    };
    return { report: { observedAt: now(call), checks: [check], blockers: answers ? 0 : 1, warnings: 0 } };
  },
  async roles({ context: { ports } }) {
    const roleOf = (site: CounterSite): Role | null => looked(ports, site)?.role ?? null;
    return { left: roleOf('left'), right: roleOf('right') };
  },
  async watch(call, { primary, knownHealthy, standing, checkpointAfterMs }) {
    const { clock, signal, spec } = call.context;
    const endsAt = clock.now() + checkpointAfterMs;
    for (;;) {
      const health = healthOf(call, primary);
      const { primary: leader, other } = both(call, primary);
      const areTwo = leader?.role === 'PRIMARY' && other?.role === 'PRIMARY';
      if (areTwo && standing?.splitBrainKnown === false)
        return { kind: 'split-brain', reason: 'both counters lead', health };
      if (health.healthy !== knownHealthy) return { kind: 'health-changed', health };
      if (clock.now() >= endsAt) return { kind: 'checkpoint', health };
      call.reporter.report({ version: 1, activity: 'watching', waitingFor: 'news', observedAt: now(call) });
      await clock.sleep(spec.settings.polling.steady, signal);
    }
  },
  readiness: async (call, primary) => ({ summary: await untilSame(call, primary), observedAt: now(call) }),
  async catchUp(call, primary, fencedAt) {
    const summary = await untilSame(call, primary);
    return { method: 'same-count', observedAt: now(call), fencedAt, summary };
  },
  async confirm(call, primary, evidence) {
    if (!isBehind(both(call, primary))) return evidence;
    throw new NeedsPerson('CountedBehindFence', 'somebody counted behind the fence', 'fail over again');
  },
  async loss(call, to) {
    const { primary, other } = both(call, otherSiteOf(COUNTER_PROCEDURE.sites(call.context.spec), to).id);
    const isKnown = primary !== null && other !== null;
    const lost = isKnown ? primary.value - other.value : null;
    return {
      observedAt: now(call),
      method: isKnown ? 'measured' : 'unknown',
      seconds: lost === 0 ? 0 : null,
      newPrimaryTime: now(call),
      summary: lost === null ? 'nobody knows what is lost' : `${lost} counts are lost`,
    };
  },
  async healthy(call, primary) {
    const health = healthOf(call, primary);
    if (!health.healthy) throw new NotYet('NotTheSame', health.summary);
    return { evidence: health.summary };
  },
};

export const COUNTER_PLANNING: ChangePlanning<CounterPairSpec, CounterPorts> = {
  cannotFailOver: async () => null,
};
