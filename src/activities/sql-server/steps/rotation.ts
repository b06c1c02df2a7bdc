/**
 * Steps of a certificate rotation (best practices of the link, "Rotate the certificate"). The order is ours: the
 * instance gets the new public key before the endpoint switches, so that no handshake meets a stranger; Azure takes
 * several keys of one server (inferred: the best practices describe one after the other).
 */
import type {
  CertificateFacts,
  EndpointFacts,
  TrustCertificateFacts,
} from '../../../model/sql-server/observation';
import type { Effect } from '../../../model/statement';
import { sameName } from '../../../rules/names';
import type { RotationPlan, RotationStepId } from '../../../rules/sql-server/certificate-rotation';
import { createCertificate, dropCertificate } from '../../../tsql/certificates';
import { startEndpoint, stopEndpoint, switchEndpointCertificate } from '../../../tsql/endpoints';
import { readCertificatePublicKey, readCertificates } from '../../../tsql/queries/certificates';
import { readEndpoints } from '../../../tsql/queries/endpoints';
import { NeedsPerson } from '../../run/failures';
import { defineEndpointStep, type EndpointContext, type EndpointStep, queryServer } from './endpoint-context';

/** The steps of one rotation; the plan is part of them, since it is decided once. */
export function rotationStep(plan: RotationPlan, stepId: RotationStepId): EndpointStep {
  switch (stepId) {
    case 'rotation.create-certificate':
      return createNext(plan);
    case 'rotation.trust-certificate':
      return trustNext(plan);
    case 'rotation.switch-endpoint':
      return switchEndpoint(plan);
    case 'rotation.force-reconnect':
      return forceReconnect(plan);
    case 'rotation.distrust-old-certificate':
      return distrustOld(plan);
    case 'rotation.drop-old-certificate':
      return dropOld(plan);
  }
}

interface NextState {
  readonly exists: boolean;
  readonly inUse: boolean;
}

function createNext({ nextName, nextExpiresOn }: RotationPlan): EndpointStep {
  return defineEndpointStep<NextState>({
    id: 'rotation.create-certificate',
    async observe(context) {
      const [certificate, endpoint] = await Promise.all([
        findCertificate(context, nextName),
        findEndpoint(context),
      ]);
      return { exists: certificate !== undefined, inUse: usesCertificate(endpoint, nextName) };
    },
    settled: ({ exists }) => (exists ? `certificate ${nextName} exists` : undefined),
    async effects() {
      const statement = createCertificate({
        name: nextName,
        subject: `Certificate for ${nextName}`,
        expiryDate: nextExpiresOn,
      });
      return [{ kind: 'tsql', on: 'server', statement, undo: dropCertificate(nextName).display }];
    },
    async undo(before, now) {
      if (before.exists || !now.exists) return [];
      if (now.inUse) throw movedOn(nextName, 'still uses');
      return [{ kind: 'tsql', on: 'server', statement: dropCertificate(nextName) }];
    },
  });
}

interface TrustState {
  readonly publicKey: string | null;
  readonly trusted: boolean;
}

function trustNext({ nextName }: RotationPlan): EndpointStep {
  return defineEndpointStep<TrustState>({
    id: 'rotation.trust-certificate',
    async observe(context) {
      const [[row], certificate, trusted] = await Promise.all([
        queryServer(context, readCertificatePublicKey(nextName)),
        findCertificate(context, nextName),
        context.ports.azure.readTrustCertificates(context.signal),
      ]);
      const match = trusted.find(({ name }) => sameName(name, nextName));
      return {
        publicKey: row?.publicKey ?? null,
        trusted:
          match !== undefined && sameName(match.thumbprint, certificate?.thumbprint ?? match.thumbprint),
      };
    },
    settled: ({ trusted }, { spec }) =>
      trusted ? `${spec.settings.instance} trusts ${nextName}` : undefined,
    async effects({ publicKey }) {
      if (publicKey === null) throw movedOn(nextName, 'should get');
      return [
        {
          kind: 'arm',
          request: {
            operation: 'put-server-trust-certificate',
            certificateName: nextName,
            publicBlob: publicKey,
          },
          display: `PUT serverTrustCertificates/${nextName} {"publicBlob":"<public key of ${nextName}>"}`,
          undo: `DELETE serverTrustCertificates/${nextName}`,
        },
      ];
    },
    async undo(before, now) {
      return before.trusted || !now.trusted ? [] : [deleteTrust(nextName)];
    },
  });
}

interface SwitchState {
  readonly endpoint: EndpointFacts | null;
}

function switchEndpoint({ nextName, old }: RotationPlan): EndpointStep {
  return defineEndpointStep<SwitchState>({
    id: 'rotation.switch-endpoint',
    observe: async (context) => ({ endpoint: await findEndpoint(context) }),
    settled: ({ endpoint }) =>
      endpoint !== null && usesCertificate(endpoint, nextName)
        ? `endpoint ${endpoint.name} uses certificate ${nextName}`
        : undefined,
    async effects({ endpoint }) {
      if (endpoint === null || !usesCertificate(endpoint, old.name)) throw movedOn(old.name, 'does not use');
      const statement = switchEndpointCertificate(endpoint, nextName);
      const undo = switchEndpointCertificate(endpoint, old.name).display;
      return [{ kind: 'tsql', on: 'server', statement, undo }];
    },
    async undo(before, now) {
      if (before.endpoint === null || now.endpoint === null) return [];
      if (!usesCertificate(now.endpoint, nextName)) return [];
      const statement = switchEndpointCertificate({ ...before.endpoint, stateDesc: 'STARTED' }, old.name);
      return [{ kind: 'tsql', on: 'server', statement }];
    },
  });
}

/**
 * A session that lives proves nothing: it outlasts even the expiry of its certificate. Only a new handshake shows that
 * the other side takes the new one, so the endpoint is stopped and started.
 */
function forceReconnect({ endpointName }: RotationPlan): EndpointStep {
  return defineEndpointStep<SwitchState>({
    id: 'rotation.force-reconnect',
    always: true,
    observe: async (context) => ({ endpoint: await findEndpoint(context) }),
    settled: () => undefined,
    effects: async () => [
      {
        kind: 'tsql',
        on: 'server',
        statement: stopEndpoint(endpointName),
        undo: startEndpoint(endpointName).display,
      },
      { kind: 'tsql', on: 'server', statement: startEndpoint(endpointName) },
    ],
  });
}

interface OldTrustState {
  readonly names: readonly string[];
  readonly stillUsed: boolean;
}

function distrustOld({ old }: RotationPlan): EndpointStep {
  return defineEndpointStep<OldTrustState>({
    id: 'rotation.distrust-old-certificate',
    async observe(context) {
      const [trusted, endpoint] = await Promise.all([
        context.ports.azure.readTrustCertificates(context.signal),
        findEndpoint(context),
      ]);
      return { names: namesOfKey(trusted, old.thumbprint), stillUsed: usesCertificate(endpoint, old.name) };
    },
    settled: ({ names }, { spec }) =>
      names.length === 0 ? `${spec.settings.instance} does not trust ${old.name} any more` : undefined,
    async effects({ names, stillUsed }) {
      if (stillUsed) throw movedOn(old.name, 'uses again');
      return names.map(deleteTrust);
    },
  });
}

interface OldState {
  readonly certificate: CertificateFacts | null;
  readonly stillUsed: boolean;
}

function dropOld({ old }: RotationPlan): EndpointStep {
  return defineEndpointStep<OldState>({
    id: 'rotation.drop-old-certificate',
    async observe(context) {
      const [certificate, endpoint] = await Promise.all([
        findCertificate(context, old.name),
        findEndpoint(context),
      ]);
      // A certificate of the same name with another key is not the one that was rotated.
      const isSame = certificate !== undefined && sameName(certificate.thumbprint, old.thumbprint);
      return { certificate: isSame ? certificate : null, stillUsed: usesCertificate(endpoint, old.name) };
    },
    settled: ({ certificate }) => (certificate === null ? `certificate ${old.name} is dropped` : undefined),
    async effects({ stillUsed }) {
      if (stillUsed) throw movedOn(old.name, 'uses again');
      return [{ kind: 'tsql', on: 'server', statement: dropCertificate(old.name) }];
    },
  });
}

/** What the SQL Server holds of the instance and of the authorities of Azure. */
export function dropInstanceTrust(names: readonly string[]): EndpointStep {
  return defineEndpointStep<{ readonly present: readonly string[] }>({
    id: 'trust.drop-instance-certificates',
    async observe(context) {
      const rows = await queryServer(context, readCertificates());
      return {
        present: rows.map(({ name }) => name).filter((name) => names.some((one) => sameName(one, name))),
      };
    },
    settled: ({ present }) =>
      present.length === 0 ? `${names.join(', ')} are not on the SQL Server` : undefined,
    effects: async ({ present }) =>
      present.map((name): Effect => ({ kind: 'tsql', on: 'server', statement: dropCertificate(name) })),
  });
}

const deleteTrust = (certificateName: string): Effect => ({
  kind: 'arm',
  request: { operation: 'delete-server-trust-certificate', certificateName },
  display: `DELETE serverTrustCertificates/${certificateName}`,
});

const movedOn = (name: string, what: string): NeedsPerson =>
  new NeedsPerson(
    'RotationMovedOn',
    `the endpoint ${what} certificate ${name}, against the plan of this rotation`,
    'look at sqlferry certificates; then abort the rotation, and rotate again if need be',
  );

const usesCertificate = (endpoint: EndpointFacts | null, name: string): boolean =>
  sameName(endpoint?.certificateName ?? '', name);

const namesOfKey = (trusted: readonly TrustCertificateFacts[], thumbprint: string): readonly string[] =>
  trusted.filter((one) => sameName(one.thumbprint, thumbprint)).map(({ name }) => name);

async function findEndpoint(context: EndpointContext): Promise<EndpointFacts | null> {
  return (await queryServer(context, readEndpoints()))[0] ?? null;
}

async function findCertificate(
  context: EndpointContext,
  name: string,
): Promise<CertificateFacts | undefined> {
  return (await queryServer(context, readCertificates())).find((row) => sameName(row.name, name));
}
