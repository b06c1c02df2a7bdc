import type { ServerFacts } from '../../../model/sql-server/observation';
import type { Clock } from '../../../ports/clock';
import type { SqlServerPort } from '../../../ports/sql-server';
import { readServer, readTraceFlags } from '../../../tsql/queries/server';
import { FactMissing } from '../../run/failures';
import { observedAt, withSignal } from './reading';

/** Properties of an instance. @throws FactMissing when the server sent no row */
export async function readServerFacts(
  port: SqlServerPort,
  clock: Clock,
  signal?: AbortSignal,
): Promise<ServerFacts> {
  const [rows, flags] = await Promise.all([
    port.query(readServer(), withSignal(signal)),
    port.query(readTraceFlags(), withSignal(signal)),
  ]);
  const [server] = rows;
  if (server === undefined) throw new FactMissing(port.name, 'its properties');
  const traceFlags = flags.filter((row) => row.isOn).map((row) => row.flag);
  return { observedAt: observedAt(clock), ...server, traceFlags };
}
