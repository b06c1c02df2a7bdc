import type { LinkPreflightFacts } from '../../model/link/facts';
import { instanceIsFirst } from '../../model/link/initial-primary';
import type { ResolvedLink } from '../../model/link/spec';
import type { DistributedReplicaFacts, ManagedInstanceFacts } from '../../model/sql-server/observation';
import type { Clock } from '../../ports/clock';
import { SqlServerFailure } from '../../ports/failures';
import type { LinkPorts } from '../../ports/link-ports';
import type { SqlCallOptions, SqlServerPort } from '../../ports/sql-server';
import { readCertificates } from '../../tsql/queries/certificates';
import { readEndpoints } from '../../tsql/queries/endpoints';
import { readLinkReplicas } from '../../tsql/queries/link/replicas';
import { readSeeding, type SeedingRow } from '../../tsql/queries/link/seeding';
import { readLogins } from '../../tsql/queries/logins';
import { readAvailabilityGroupFacts } from '../sql-server/observe/availability-groups';
import { readDatabaseFacts } from '../sql-server/observe/database';
import { observedAt, withSignal } from '../sql-server/observe/reading';
import { readServerFacts } from '../sql-server/observe/server';
import { readGroupFacts } from './observe-group';

/** All links of an instance, in two round trips however many there are. */
export async function readDistributedReplicaFacts(
  port: SqlServerPort,
  clock: Clock,
  options: SqlCallOptions = {},
): Promise<DistributedReplicaFacts[]> {
  const [replicas, seedings] = await Promise.all([
    port.query(readLinkReplicas(), options),
    port.query(readSeeding(), options),
  ]);
  const seedingByLink = new Map(seedings.map((row) => [linkKey(row), row.seeding]));
  return replicas.map((row) => ({
    observedAt: observedAt(clock),
    ...row,
    seeding: seedingByLink.get(linkKey(row)) ?? null,
  }));
}

const linkKey = (row: Pick<SeedingRow, 'groupName' | 'database'>): string =>
  JSON.stringify([row.groupName, row.database]);

/** Everything that preflight judges. Only reads. */
export async function readLinkPreflightFacts(
  ports: LinkPorts,
  spec: ResolvedLink,
  clock: Clock,
  signal?: AbortSignal,
): Promise<LinkPreflightFacts> {
  const { server, instance, azure } = ports;
  const options = withSignal(signal);
  const fromInstance = instanceIsFirst(spec);
  const leads = fromInstance ? instance : server;
  const fenceLogins = spec.settings.cutover.fence.disableLogins;
  const [
    serverEntry,
    databaseAnswer,
    databaseOnServer,
    certificates,
    endpoints,
    availabilityGroups,
    loginsAnswer,
    instanceFacts,
    instanceAnswer,
    trustCertificates,
    group,
  ] = await Promise.all([
    readServerFacts(server, clock, signal),
    settled(readDatabaseFacts(leads, clock, spec.settings.database, signal)),
    fromInstance ? readDatabaseFacts(server, clock, spec.settings.database, signal) : undefined,
    server.query(readCertificates(), options),
    server.query(readEndpoints(), options),
    readAvailabilityGroupFacts(server, signal),
    settled(leads.query(readLogins(fenceLogins), options)),
    azure.readInstance(signal),
    settled(readServerFacts(instance, clock, signal)),
    azure.readTrustCertificates(signal),
    readGroupFacts(ports, spec, signal),
  ]);
  const read = <T>(answer: PromiseSettledResult<T>): T | null =>
    answer.status === 'fulfilled' || fromInstance ? answerOf(answer, instanceFacts) : rejected(answer);
  const database = read(databaseAnswer);
  const logins = read(loginsAnswer) ?? [];
  // Names of logins compare as the server's collation says; the common ones ignore case.
  const known = new Set(logins.map((login) => login.name.toLowerCase()));
  return {
    server: serverEntry,
    database,
    ...(databaseOnServer === undefined ? {} : { databaseOnServer }),
    certificates,
    endpoints,
    availabilityGroups,
    missingFenceLogins: fenceLogins.filter((name) => !known.has(name.toLowerCase())),
    instance: instanceFacts,
    instanceServer: answerOf(instanceAnswer, instanceFacts),
    trustCertificates,
    group,
  };
}

function rejected(answer: PromiseRejectedResult): never {
  throw answer.reason;
}

const settled = async <T>(work: Promise<T>): Promise<PromiseSettledResult<T>> =>
  (await Promise.allSettled([work]))[0];

/** An instance that is stopped or starting takes no connections: the check of its state says so, with the remedy. */
function answerOf<T>(answer: PromiseSettledResult<T>, { state }: ManagedInstanceFacts): T | null {
  if (answer.status === 'fulfilled') return answer.value;
  const { reason } = answer;
  if (
    state.toLowerCase() !== 'ready' &&
    reason instanceof SqlServerFailure &&
    reason.transport !== undefined
  ) {
    return null;
  }
  throw reason;
}
