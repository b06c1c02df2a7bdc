/** The activities around certificates: read, rotated, imported again. */
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import type { Clock } from '../../ports/clock';
import { sameName } from '../../rules/names';
import { AZURE_AUTHORITIES } from '../../tsql/azure-authorities';
import { readCertificates } from '../../tsql/queries/certificates';
import { callsOf, type Opening, type Shared } from '../run/call';
import { runStep, toJournalEffect, undoStep } from '../run/run-step';
import type { CertificateActivities } from './certificate-api';
import { type EndpointEnd, type EndpointEnds, planRotation, proveConnection } from './certificate-rotation';
import type { CertificateSpec } from './certificate-spec';
import { readCertificateInventory } from './certificates';
import { type EndpointPorts, queryServer } from './steps/endpoint-context';
import { dropInstanceTrust, rotationStep } from './steps/rotation';

/** All specs that use one endpoint, of which there is at least one. */
type Ends<Spec extends CertificateSpec, Ports extends EndpointPorts> = readonly [
  EndpointEnd<Spec, Ports>,
  ...EndpointEnd<Spec, Ports>[],
];

/** Reads the distributed groups of one SQL Server, each from the view of the side that leads it. */
export type ReadReplicas<Spec extends CertificateSpec, Ports extends EndpointPorts> = (
  ends: Ends<Spec, Ports>,
  clock: Clock,
  signal: AbortSignal,
) => Promise<readonly DistributedReplicaFacts[]>;

export interface CertificateDependencies<Spec extends CertificateSpec, Ports extends EndpointPorts>
  extends Opening<Spec, Ports>,
    Shared {
  readonly readReplicas: ReadReplicas<Spec, Ports>;
}

/** @typeParam Spec of the topology whose endpoints they are */
export function createCertificateActivities<Spec extends CertificateSpec, Ports extends EndpointPorts>(
  dependencies: CertificateDependencies<Spec, Ports>,
): CertificateActivities<Spec> {
  const call = callsOf(dependencies);

  return {
    readCertificateInventory: ({ spec }) => call(spec, ({ context }) => readCertificateInventory(context)),

    planCertificateRotation: ({ spec, others }) =>
      call(spec, async ({ context }) => planRotation(context, await endsOf(dependencies, [spec, ...others]))),

    readCertificate: ({ spec, name }) =>
      call(spec, async ({ context }) => {
        const found = (await queryServer(context, readCertificates())).find((row) =>
          sameName(row.name, name),
        );
        if (found === undefined) return null;
        return { name: found.name, thumbprint: found.thumbprint, expiresAt: found.expiryDate };
      }),

    observeRotationStep: ({ spec, plan, stepId }) =>
      call(spec, async ({ context }) => {
        const seen = await rotationStep(plan, stepId).look(context);
        const before = seen.facts;
        if (seen.settled !== undefined) return { before, settled: seen.settled, planned: [] };
        return { before, planned: (await seen.effects()).map(toJournalEffect) };
      }),

    performRotationStep: ({ spec, plan, stepId, carried }) =>
      call(spec, ({ context, apply }) => runStep(rotationStep(plan, stepId), context, apply), carried),

    undoRotationStep: ({ spec, plan, stepId, before, carried }) =>
      call(
        spec,
        async ({ context, apply }) => {
          const { effects } = await undoStep(rotationStep(plan, stepId), before, context, apply);
          return effects;
        },
        carried,
      ),

    proveConnection: (input) =>
      call(input.spec, async ({ context, reporter, platform }) => {
        const ends = await endsOf(dependencies, [input.spec, ...input.others]);
        const since = platform.fromPlatform(input.since);
        return proveConnection(context, ends, reporter, { ...input, since });
      }),

    dropInstanceTrust: ({ spec }) =>
      call(spec, async ({ context, apply }) => {
        const { fullyQualifiedDomainName } = await context.ports.azure.readInstance(context.signal);
        const names = [fullyQualifiedDomainName, ...AZURE_AUTHORITIES.map(({ name }) => name)];
        return runStep(dropInstanceTrust(names), context, apply);
      }),
  };
}

/** Opens the ports of all that use one endpoint. */
async function endsOf<Spec extends CertificateSpec, Ports extends EndpointPorts>(
  dependencies: CertificateDependencies<Spec, Ports>,
  [first, ...others]: readonly [Spec, ...Spec[]],
): Promise<EndpointEnds> {
  const end = async (spec: Spec) => ({ spec, ports: await dependencies.openPorts(spec) });
  const ends: Ends<Spec, Ports> = [await end(first), ...(await Promise.all(others.map(end)))];
  return { ends, read: (clock, signal) => dependencies.readReplicas(ends, clock, signal) };
}
