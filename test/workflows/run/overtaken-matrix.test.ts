/**
 * A failover whose workflow is ended by force at each of its calls, and a forced one that is asked for over it, in virtual
 * time: whoever leads in the end, the applications are let in there, and never anywhere else.
 */
import type { Answer } from '../../../src/workflows/run/answers';
import { isWatch, watchInput } from '../../support/fake-link';
import { differsInReplay } from '../../support/link-matrix';
import { beginFailover, callsOfFailover } from '../../support/standing-matrix';
import {
  type ActivityCall,
  answer,
  closeWorkflowDrivers,
  type FakeOutcome,
  hang,
  type WorkflowDriver,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DBA = { by: 'dba', acknowledgedBy: 'dba', reason: 'a test', acceptLossSeconds: 1_000_000 };
const FORCED = { ...DBA, type: 'forced', to: 'instance' } as const;

const stepOf = (call: ActivityCall): string => (call.input as { stepId?: string }).stepId ?? '';
const isDone = (call: ActivityCall, step: string): boolean =>
  call.type === 'performStep' && stepOf(call) === step;

/** Who leads, and where the applications may log in, by what was done. */
class World {
  private swapsAt = Number.POSITIVE_INFINITY;
  private isForced = false;
  private readonly open = new Set(['server']);
  readonly breaches: string[] = [];

  /** @param swapTakesMs from the statement to the roles: it goes on when its workflow is ended */
  constructor(private readonly swapTakesMs: number) {}

  leader(at: number): string {
    return at >= this.swapsAt ? 'instance' : 'server';
  }

  isOpen = (site: string): boolean => this.open.has(site);

  readonly answer = (call: ActivityCall): FakeOutcome | undefined => {
    this.note(call);
    if (isDone(call, 'server.planned-failover') || isDone(call, 'instance.forced-failover'))
      return answer(DONE(stepOf(call)), this.swapTakesMs);
    if (call.type === 'readRoles') return answer(this.roles(call.at));
    if (!isWatch(call, 'server') || this.leader(call.at) === 'server') return undefined;
    if (!this.isForced) return answer(SWAPPED, 30 * SECOND);
    return watchInput(call).standing?.splitBrainKnown === true ? hang : answer(SPLIT, 30 * SECOND);
  };

  private note(call: ActivityCall): void {
    if (isDone(call, 'server.planned-failover') || isDone(call, 'instance.forced-failover')) {
      this.swapsAt = Math.min(this.swapsAt, call.at + this.swapTakesMs);
      this.isForced ||= stepOf(call) === 'instance.forced-failover';
    }
    if (isDone(call, 'server.fence')) this.open.delete('server');
    if (call.type === 'undoStep' && stepOf(call) === 'server.fence') this.admit('server', call.at);
    if (isDone(call, 'server.admit-applications')) this.admit('server', call.at);
    if (isDone(call, 'instance.admit-applications')) this.admit('instance', call.at);
  }

  private admit(site: string, at: number): void {
    this.open.add(site);
    if (site !== this.leader(at)) this.breaches.push(`let in to the ${site}, which does not lead`);
  }

  private roles(at: number): Readonly<Record<string, string>> {
    if (this.leader(at) === 'server') return { server: 'PRIMARY', instance: 'SECONDARY' };
    return { server: this.isForced ? 'PRIMARY' : 'SECONDARY', instance: 'PRIMARY' };
  }
}

const DONE = (stepId: string) => ({
  stepId,
  outcome: 'done',
  effects: [],
  evidence: 'seen',
  startedAt: '2026-11-01T00:00:00.000Z',
  durationMs: 10,
});
const health = { observedAt: '', healthy: true, summary: 'swapped', lagSeconds: 0, logUsedPercent: 5 };
const SWAPPED = {
  kind: 'external-failover',
  primary: 'instance',
  reason: 'both agree',
  platformTime: null,
  health,
};
/** A primary that is alive does not learn of a forced failover. */
const SPLIT = {
  kind: 'split-brain',
  reason: 'two primaries',
  health,
  logEnds: { server: '57', instance: '60' },
};

const PAUSES = [0, 3 * SECOND, 70 * SECOND];
/** The longest is beyond all looks: the watch hears of it. */
const SWAPS: Readonly<Record<string, number>> = {
  'at once': 10,
  'after 45 s': 45 * SECOND,
  'after 10 minutes': 10 * MINUTE,
};
const ENDS = {
  'ended by force': (failover: WorkflowDriver | undefined) => failover?.terminate(),
  stuck: (failover: WorkflowDriver | undefined) => failover?.getStuck(),
} as const;
/** A forced failover that is stuck is ended by a person before another one may come. */
const CASES = [
  { type: 'planned', end: 'ended by force' },
  { type: 'planned', end: 'stuck' },
  { type: 'forced', end: 'ended by force' },
] as const;

describe.each(CASES)('a $type failover is $end at any call', ({ type, end }) => {
  async function overtaken(number: number, pauseMs: number, swapTakesMs: number, isWithdrawn: boolean) {
    const world = new World(swapTakesMs);
    const { begun, before } = await beginFailover({ type, to: 'instance' }, {}, world.answer);
    const { driver } = begun;
    await driver.run(() => driver.calls.length >= before + number);
    ENDS[end](driver.children[0]);
    await begun.goOn(pauseMs);
    const asked = await driver.update<Answer>('failover', FORCED);
    if (asked.accepted && isWithdrawn) {
      await driver.run(() => driver.children.length > 1, driver.elapsed + 30 * SECOND);
      const next = driver.children[1];
      if (next !== undefined && next.ended === undefined) await next.update<Answer>('abort', { by: 'dba' });
    }
    await begun.goOn(2 * HOUR);
    return { begun, world, asked };
  }

  async function breachesOf({ begun, world, asked }: Awaited<ReturnType<typeof overtaken>>) {
    const { primary, pendingRequest, splitBrain } = await begun.protection();
    // A person decides which of two primaries survives.
    if (splitBrain !== null) return world.breaches;
    const leader = world.leader(begun.driver.elapsed);
    const mayRefuse = primary === 'instance';
    return [
      ...world.breaches,
      ...(asked.accepted || mayRefuse ? [] : [`refused: ${asked.rule}`]),
      ...(primary === leader ? [] : [`${leader} leads, but the run says ${primary}`]),
      ...(world.isOpen(leader) ? [] : [`nobody is let in to the ${leader}, which leads`]),
      // One that is stuck behind its proof is waited for, beside the watch of the new primary.
      ...(pendingRequest === null || (end === 'stuck' && !asked.accepted)
        ? []
        : [`${pendingRequest} is pending still`]),
    ];
  }

  test.each(
    Object.entries(SWAPS).flatMap(([swap, swapTakesMs]) =>
      [false, true].map((isWithdrawn) => ({
        swap,
        swapTakesMs,
        isWithdrawn,
        outcome: isWithdrawn ? 'withdrawn' : 'carried out',
      })),
    ),
  )('its swap comes $swap, and the forced one over it is $outcome', async ({ swapTakesMs, isWithdrawn }) => {
    const calls = await callsOfFailover({ type, to: 'instance' });
    expect(calls).toBeGreaterThan(8);
    const found: string[] = [];
    for (let number = 1; number <= calls; number += 1) {
      for (const pauseMs of PAUSES) {
        const run = await overtaken(number, pauseMs, swapTakesMs, isWithdrawn);
        const wrong = [...(await breachesOf(run)), ...(await differsInReplay(run.begun))];
        found.push(...wrong.map((breach) => `call ${number}, ${pauseMs} ms: ${breach}`));
        await run.begun.driver.dispose();
      }
    }
    expect(found).toEqual([]);
  });
});
