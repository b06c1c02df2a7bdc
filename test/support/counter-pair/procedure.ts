/** The procedure of a pair of counters: six steps, each for either site. */
import type { FailoverPlan, Procedure, StepRef } from '../../../src/model/run/procedure';
import { otherSiteOf, type Site, type SiteId } from '../../../src/model/run/site';
import type { CounterPairSpec } from './spec';

export const ACTIONS = ['follow', 'fence', 'lead', 'count', 'admit', 'part'] as const;
export type Action = (typeof ACTIONS)[number];
export const SITES = ['left', 'right'] as const;
export type CounterSite = (typeof SITES)[number];

const TITLES: Readonly<Record<Action, readonly [phase: string, title: string]>> = {
  follow: ['pairing', 'The other one follows'],
  fence: ['cutover', 'Nobody counts on the old primary'],
  lead: ['cutover', 'The new primary leads'],
  count: ['cutover', 'The new primary counts'],
  admit: ['cutover', 'Everybody counts on the new primary'],
  part: ['after', 'The counter follows nobody'],
};

const step = (site: SiteId, action: Action): StepRef => {
  const [phase, title] = TITLES[action];
  return { id: `${site}.${action}`, phase, title, repeats: 'once' };
};

const sites = ({ left, right }: CounterPairSpec): readonly Site[] => [
  { id: 'left', name: left, label: 'left counter', option: 'left' },
  { id: 'right', name: right, label: 'right counter', option: 'right' },
];

export const COUNTER_PROCEDURE: Procedure<CounterPairSpec> = {
  kind: 'counter-pair',
  thing: 'pair',
  standing: 'a pair of counters',
  goesOn: 'counting goes on',
  unwatched: { undone: '', nextStep: 'watch the counters by hand' },
  stepIds: SITES.flatMap((site) => ACTIONS.map((action) => `${site}.${action}`)),
  phases: {
    preflight: 'Preflight',
    pairing: 'Pairing',
    replicating: 'Replicating',
    cutover: 'Failover',
    after: 'Parting',
  },
  describe: ({ left, right }) => `${left} → ${right}`,
  sites,
  failover: (spec, type, to): FailoverPlan => ({
    prepare: [],
    fence: type === 'planned' ? [step(otherSiteOf(sites(spec), to).id, 'fence')] : [],
    revocable: [],
    swap: [step(to, 'lead')],
    proof: [step(to, 'count')],
    admit: [step(to, 'admit')],
    follow: [],
  }),
  fence: () => ({ shut: 'it is closed', byHand: 'open it' }),
  repair: (spec, survivor) => [step(otherSiteOf(sites(spec), survivor).id, 'follow')],
  remove: () => SITES.map((site) => step(site, 'part')),
  hasReplicas: () => false,
  afterRemoval: () => 'both counters go on by themselves',
};

/** Setting it up: the left one leads. */
export const PAIRING: readonly StepRef[] = [step('right', 'follow')];
