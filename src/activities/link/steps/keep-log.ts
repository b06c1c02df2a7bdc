/** Trace flag 12381 for the time of a seeding: on before the link is made, off once the copy is complete. */
import type { Effect, Statement } from '../../../model/statement';
import { KEEP_LOG_TRACE_FLAG, otherSeedings } from '../../../rules/link/keep-log';
import { readTraceFlags } from '../../../tsql/queries/server';
import { clearTraceFlag, setTraceFlag } from '../../../tsql/trace-flags';
import { NeedsPerson } from '../../run/failures';
import { defineLinkStep, type LinkContext, queryServer } from '../context';
import { readDistributedReplicaFacts } from '../observe-link';

interface KeepLogState {
  readonly isOn: boolean;
  /** Other links of the server whose copy is under way. */
  readonly others: readonly string[];
}

const FLAG = `trace flag ${KEEP_LOG_TRACE_FLAG}`;
const TURN_ON = setTraceFlag(KEEP_LOG_TRACE_FLAG);
const TURN_OFF = clearTraceFlag(KEEP_LOG_TRACE_FLAG);

async function observe(context: LinkContext): Promise<KeepLogState> {
  const [flags, links] = await Promise.all([
    queryServer(context, readTraceFlags()),
    readDistributedReplicaFacts(context.ports.server, context.clock, { signal: context.signal }),
  ]);
  return {
    isOn: flags.some(({ flag, isOn }) => flag === KEEP_LOG_TRACE_FLAG && isOn),
    others: otherSeedings(links, context.spec.names.distributedGroup),
  };
}

const onServer = (statement: Statement, undo?: Statement): Effect => ({
  kind: 'tsql',
  on: 'server',
  statement,
  ...(undo === undefined ? {} : { undo: undo.display }),
});

export const keepLog = defineLinkStep<KeepLogState>({
  id: 'server.keep-log',
  observe,
  settled: ({ isOn }) => (isOn ? `${FLAG} is on` : undefined),
  effects: async () => [onServer(TURN_ON, TURN_OFF)],
  async undo(before, now) {
    if (before.isOn || !now.isOn) return [];
    if (now.others.length === 0) return [onServer(TURN_OFF)];
    throw new NeedsPerson(
      'TraceFlagInUse',
      `${FLAG} stays on: the copy of ${now.others.join(', ')} is under way and may need the log that it keeps`,
      `run ${TURN_OFF.display} once no database of this server is seeded, or the logs fill`,
    );
  },
});

export const releaseLog = defineLinkStep<KeepLogState>({
  id: 'server.release-log',
  observe,
  settled({ isOn, others }) {
    if (!isOn) return `${FLAG} is off`;
    if (others.length === 0) return undefined;
    return `${FLAG} stays on: the copy of ${others.join(', ')} is under way`;
  },
  effects: async () => [onServer(TURN_OFF, TURN_ON)],
  // In a plan the step before it has turned it on.
  assume: (facts) => ({ ...facts, isOn: true }),
  undo: async (before, now) => (before.isOn && !now.isOn ? [onServer(TURN_ON)] : []),
});
