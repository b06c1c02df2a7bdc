/** docs/requests.md, made of the table by which runs decide. */
import { byWord } from '../../model/by-word';
import type { Site } from '../../model/run/site';
import {
  STANDING_ACTIVITIES,
  type StandingActivity,
  type StandingFacts,
  type StandingRequestFacts,
} from '../../model/run/standing';
import { ALL_KINDS, decideRequest, STANDING_ROWS } from './standing-table';

/** @returns docs/requests.md, which a test holds up to date */
export function standingRequestsPage(): string {
  return [HEAD, decisions(), DURING, matrix(), DIAGRAM, diagram()].join('\n');
}

function decisions(): string {
  const rows = STANDING_ROWS.map(
    ({ rule, kinds, when }) =>
      `| \`${rule}\` | ${kinds.length === ALL_KINDS.length ? 'all' : kinds.join(', ')} | ${when} |`,
  );
  return ['| rule | requests | applies when |', '|---|---|---|', ...rows, ''].join('\n');
}

const SITES: readonly Site[] = [
  { id: 'one', name: 'one', label: 'first site', option: 'one' },
  { id: 'other', name: 'other', label: 'other site', option: 'other' },
];

/** What may be asked, with nothing but the activity of the run to speak against it. */
const ASKED: Readonly<Record<string, (facts: StandingFacts) => StandingRequestFacts>> = {
  'planned failover': (facts) => swap(facts, 'planned'),
  'forced failover': (facts) => swap(facts, 'forced'),
  drill: () => ({ kind: 'drill', holdMs: 0, isAcknowledged: false }),
  repair: () => ({ kind: 'repair', survivor: 'one' }),
  removal: () => ({ kind: 'removal' }),
  'change of the spec': () => ({ kind: 'change' }),
};

const swap = ({ primary }: StandingFacts, type: 'planned' | 'forced'): StandingRequestFacts => ({
  kind: 'failover',
  type,
  to: primary === 'one' ? 'other' : 'one',
  isAcknowledged: false,
  forced: null,
});

function factsDuring(activity: StandingActivity, asked: string): StandingFacts {
  const isHolding = activity === 'drill-hold';
  return {
    name: 'NAME',
    thing: 'THING',
    sites: SITES,
    activity,
    primary: isHolding ? 'other' : 'one',
    paused: false,
    splitBrain: asked === 'repair' ? 'both say so' : null,
    deletedExternally: null,
    cannotFailOver: null,
    preempted: false,
    failoverWorkflow: null,
    drill: isHolding ? { from: 'one', holdUntil: 'TIME' } : null,
    forcedTo: null,
    roles: null,
    toAcknowledge: () => null,
    loss: null,
  };
}

function matrix(): string {
  const columns = Object.keys(ASKED);
  const rows = STANDING_ACTIVITIES.map((activity) => {
    const cells = columns.map((asked) => {
      const { allowed, rule } = verdict(activity, asked);
      return allowed ? `yes: \`${rule}\`` : `no: \`${rule}\``;
    });
    return `| ${shown(activity)} | ${cells.join(' | ')} |`;
  });
  return [
    `| the run is at | ${columns.join(' | ')} |`,
    `|---|${columns.map(() => '---|').join('')}`,
    ...rows,
    '',
  ].join('\n');
}

function verdict(activity: StandingActivity, asked: string) {
  const facts = factsDuring(activity, asked);
  const request = ASKED[asked]?.(facts);
  if (request === undefined) throw new RangeError(`${asked} is none of the requests`);
  return { ...decideRequest(facts, request), request };
}

/** What comes next without a request, and why. */
const BY_ITSELF: readonly (readonly [StandingActivity, StandingActivity | '[*]', string])[] = [
  ['establishing', 'idle', 'it replicates'],
  ['planned-failover', 'failover-proven', 'the new primary took a write'],
  ['planned-failover', 'failover-given-up', 'its workflow ended without a result'],
  ['planned-failover', 'idle', 'withdrawn'],
  ['forced-failover', 'failover-proven', 'the new primary took a write'],
  ['forced-failover', 'failover-given-up', 'withdrawn, or failed'],
  ['failover-proven', 'idle', 'hooks and checks are done'],
  ['failover-given-up', 'idle', 'the applications are in where the primary is'],
  ['drill-failover', 'drill-hold', 'the other site leads'],
  ['drill-failover', 'idle', 'withdrawn'],
  ['drill-hold', 'drill-failback', 'the hold is over'],
  ['drill-hold', 'idle', 'stopped by a pause, or by roles that others changed'],
  ['drill-failback', 'idle', 'done, or withdrawn'],
  ['request-pending', 'repair', 'its first step begins'],
  ['request-pending', 'removal', 'its first step begins'],
  ['request-pending', 'idle', 'the new spec is in force'],
  ['repair', 'idle', 'done'],
  ['removal', '[*]', 'done'],
];

function diagram(): string {
  const names = STANDING_ACTIVITIES.map((activity) => `  state "${shown(activity)}" as ${idOf(activity)}`);
  const asked = STANDING_ACTIVITIES.flatMap((activity) =>
    Object.keys(ASKED).flatMap((what) => {
      const found = verdict(activity, what);
      if (!found.allowed) return [];
      const next = found.act === 'end-hold' ? 'drill-failback' : begunBy(found.request);
      return [arrow(activity, next, `${what} asked, ${found.rule}`)];
    }),
  );
  const others = BY_ITSELF.map(([from, to, why]) => arrow(from, to, why));
  const lines = ['```mermaid', 'stateDiagram-v2', ...names, '  [*] --> establishing'];
  return [...lines, ...asked, ...others, '```', ''].join('\n');
}

function begunBy(request: StandingRequestFacts): StandingActivity {
  if (request.kind === 'failover')
    return byWord('type of a failover', request.type, {
      planned: 'planned-failover',
      forced: 'forced-failover',
    });
  return byWord<typeof request.kind, StandingActivity>('request', request.kind, {
    drill: 'drill-failover',
    repair: 'request-pending',
    removal: 'request-pending',
    change: 'request-pending',
  });
}

const arrow = (from: StandingActivity, to: StandingActivity | '[*]', why: string): string =>
  `  ${idOf(from)} --> ${idOf(to)}: ${why}`;

/** Hyphens are not for names of states. */
const idOf = (activity: string): string => activity.replaceAll('-', '_');
const shown = (activity: StandingActivity): string => activity.replaceAll('-', ' ');

const HEAD = `# What may be asked of a run that stands

Failovers, drills, repairs and removals are decided by one table. The run answers by it, \`sqlferry status\` shows by it
what is possible and what is not, and \`sqlferry plan --of\` names by it why a run would be refused. The first row that
applies decides an answer; a plan names all that refuse. What the run alone knows (a pause, the cool-down, what is under
way) a plan does not see; what both sides say just now, only a plan asks.

Every answer carries the id of its rule, and stands among the events of the run with it. Of refusals the newest three are
kept there, as \`request.refused\`; the history in Temporal holds all. The ids are stable.

This page is made from the table in \`src/rules/run/standing-table.ts\`; make it again with
\`UPDATE_DOCS=1 jest test/rules/run/standing-page\`.
`;

const DURING = `## While the run is busy

With nothing else to speak against it: who leads is asked to fail over to the other site, a repair finds two primaries,
and the planned failover during the hold of a drill is its way back.
`;

const DIAGRAM = `## What follows what

Arrows that name a rule are requests. A forced failover that preempts begins once what is under way has ended where it is.
`;
