import type { AvailabilityGroupFacts } from '../../../model/sql-server/observation';
import type { SqlServerPort } from '../../../ports/sql-server';
import { groupAvailabilityGroups, readAvailabilityGroups } from '../../../tsql/queries/availability-groups';
import { withSignal } from './reading';

/** All availability groups of an instance. */
export async function readAvailabilityGroupFacts(
  port: SqlServerPort,
  signal?: AbortSignal,
): Promise<AvailabilityGroupFacts[]> {
  return groupAvailabilityGroups(await port.query(readAvailabilityGroups(), withSignal(signal)));
}
