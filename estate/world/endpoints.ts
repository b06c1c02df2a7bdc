/** The DATABASE_MIRRORING endpoint: one per instance, the door of every link. */
import { SqlError } from '../sql/errors';
import type { EndpointDefinition, Endpoints } from './api';
import type { MirroringEndpoint } from './model';
import { refusals } from './refusals';
import { instanceOf, key, type Mutable, type MutableInstance, type WorldState } from './state';

export class WorldEndpoints implements Endpoints {
  constructor(private readonly state: WorldState) {}

  create(instanceName: string, definition: EndpointDefinition): MirroringEndpoint {
    const instance = instanceOf(this.state, instanceName);
    if (instance.managed) throw refusals.unsupportedOnManaged('CREATE ENDPOINT');
    if (instance.endpoint) {
      throw new SqlError(
        7862,
        `An endpoint of the requested type already exists. Only one endpoint of this type is supported. Use ALTER ENDPOINT or DROP the existing endpoint and execute the CREATE ENDPOINT statement.`,
      );
    }
    requireCertificate(instance, definition.authentication, definition.certificateName);
    // Endpoint ids of users begin at 65536 (sys.endpoints).
    const endpoint: MirroringEndpoint = { endpointId: 65536, ...definition };
    instance.endpoint = endpoint;
    this.state.journal.mark(`create endpoint ${definition.name} on ${instance.name}`);
    return endpoint;
  }

  alter(
    instanceName: string,
    name: string,
    change: Partial<Omit<EndpointDefinition, 'name'>>,
  ): MirroringEndpoint {
    const instance = instanceOf(this.state, instanceName);
    const endpoint = this.existing(instance, name, 'alter');
    const next = { ...endpoint, ...change };
    if (!next.authentication.includes('CERTIFICATE')) delete next.certificateName;
    requireCertificate(instance, next.authentication, next.certificateName);
    const changed = Object.entries(next).some(([field, value]) => Reflect.get(endpoint, field) !== value);
    if (!changed) return endpoint;
    instance.endpoint = next;
    this.state.events.endpointChanged(instance.name);
    this.state.journal.mark(`alter endpoint ${name} on ${instance.name}`);
    return next;
  }

  drop(instanceName: string, name: string): void {
    const instance = instanceOf(this.state, instanceName);
    this.existing(instance, name, 'drop');
    delete instance.endpoint;
    this.state.events.endpointChanged(instance.name);
    this.state.journal.mark(`drop endpoint ${name} on ${instance.name}`);
  }

  private existing(instance: MutableInstance, name: string, verb: string): Mutable<MirroringEndpoint> {
    if (!instance.endpoint || key(instance.endpoint.name) !== key(name)) {
      throw refusals.cannotAlterMissing('endpoint', name, verb);
    }
    return instance.endpoint;
  }
}

function requireCertificate(
  instance: MutableInstance,
  authentication: string,
  name: string | undefined,
): void {
  if (!authentication.includes('CERTIFICATE')) return;
  const certificate = name === undefined ? undefined : instance.certificates.get(key(name));
  if (!certificate) throw refusals.cannotAlterMissing('certificate', name ?? '', 'find');
  if (certificate.privateKey === 'NA') {
    throw new SqlError(
      28037,
      `The certificate '${certificate.name}' has no private key and cannot be used for authentication.`,
    );
  }
  if (!instance.masterKey) {
    throw new SqlError(
      15581,
      'Please create a master key in the database or open the master key in the session before performing this operation.',
    );
  }
}
