/** A tiny workflow around the gate of a failover whose turn cannot be asked for, for its test. */
import { sleep } from '@temporalio/workflow';
import type { ResolvedLink } from '../../src/model/link/spec';
import { initialLinkOwn } from '../../src/workflows/link/state';
import { LINK_WORKFLOWS } from '../../src/workflows/link/topology';
import { passGateAndLook } from '../../src/workflows/run/failover-gate';
import { FailoverSlot } from '../../src/workflows/run/failover-slot';
import { Run } from '../../src/workflows/run/run';
import { initialState } from '../../src/workflows/run/state';

export interface GateSeen {
  readonly error: string;
  /** What was shown as waited for an hour afterwards. */
  readonly waitingFor: string;
}

class NoTurn extends FailoverSlot {
  override async acquire(): Promise<number | null> {
    await sleep(1_000);
    throw new Error('no turn can be asked for');
  }
}

export async function gateWorkflow({ spec }: { readonly spec: ResolvedLink }): Promise<GateSeen> {
  const state = initialState(spec, initialLinkOwn(spec));
  const run = new Run(LINK_WORKFLOWS, { spec, visibility: false }, state, 'gate');
  let error = 'none';
  try {
    await passGateAndLook(run, 'server', new NoTurn(run));
  } catch (failure) {
    error = failure instanceof Error ? failure.message : String(failure);
  }
  await sleep(3_600_000);
  return { error, waitingFor: run.waitingFor };
}
