import { createHash } from 'node:crypto';
import {
  createCredential,
  createManagedInstancePort,
  createTokenProvider,
  randomStateKey,
  type StateKey,
  type TokenCredential,
} from '../adapters/azure';
import { systemClock } from '../adapters/clock';
import { createGroupPort } from '../adapters/mssql/group-port';
import { type ClosableSqlServerPort, createSqlServerPort } from '../adapters/mssql/port';
import { createSecrets } from '../adapters/secrets';
import type { Transports } from '../adapters/transports';
import type { AzureAccess, ManagedInstance, SqlServer } from '../model/inventory';
import { groupMembers } from '../model/link/replicas';
import type { ResolvedLink } from '../model/link/spec';
import type { Clock } from '../ports/clock';
import type { LinkPorts } from '../ports/link-ports';
import type { ManagedInstancePort } from '../ports/managed-instance';
import type { SecretsPort } from '../ports/secrets';

export interface PortsOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly stateKeys: readonly [StateKey, ...StateKey[]];
  readonly warn: (message: string) => void;
  /** In place of the network of this machine. */
  readonly transports?: Transports;
}

/** Ports for one command on this machine: nothing of its operations is resumed elsewhere. */
export function openLocalPorts(env: NodeJS.ProcessEnv, warn: (message: string) => void) {
  const pool = new LinkPortsPool({ env, clock: systemClock, stateKeys: [randomStateKey()], warn });
  return { pool, clock: systemClock };
}

interface AzureSide {
  readonly credential: TokenCredential;
  readonly secrets: SecretsPort;
}

/**
 * Opens the ports of specs and shares them: one pool for each instance and login, however many migrations use it.
 */
export class LinkPortsPool {
  private readonly servers = new Map<string, ClosableSqlServerPort>();
  private readonly instances = new Map<string, Promise<ManagedInstancePort>>();
  private readonly azureSides = new Map<string, Promise<AzureSide>>();
  private readonly hosts = new Map<string, Promise<string>>();

  constructor(private readonly options: PortsOptions) {}

  async open(spec: ResolvedLink): Promise<LinkPorts> {
    const side = await this.azureSide(spec.azure);
    const azure = await this.instance(spec.instance, spec.azure, side);
    const { instance } = spec.settings;
    const host = spec.instance.host ?? (await this.host(spec.instance.resourceId, azure));
    const end = this.serverSide(spec, side);
    const other = this.server(instance, { ...spec.instance, host }, side);
    return { ...end, instance: other, sites: { server: end.server, instance: other }, azure };
  }

  /** The SQL Server, or the replicas of its availability group with the one that leads them. */
  private serverSide(spec: ResolvedLink, side: AzureSide): Pick<LinkPorts, 'server' | 'group'> {
    const replicas = groupMembers(spec);
    if (replicas.length === 0) return { server: this.server(spec.settings.server, spec.server, side) };
    const members = new Map(replicas.map(({ name, server }) => [name, this.server(name, server, side)]));
    const server = createGroupPort(spec.names.availabilityGroup, members, this.options.clock);
    return { server, group: server.group };
  }

  async secrets(spec: ResolvedLink): Promise<SecretsPort> {
    return (await this.azureSide(spec.azure)).secrets;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.servers.values()].map((server) => server.close()));
    this.servers.clear();
  }

  private server(
    name: string,
    address: Pick<SqlServer, 'host' | 'port' | 'tls' | 'authentication'>,
    side: AzureSide,
  ): ClosableSqlServerPort {
    const { host, port, tls, authentication } = address;
    const key = keyOf([name, host, port, tls, authentication]);
    const known = this.servers.get(key);
    if (known !== undefined) return known;
    const tokens = createTokenProvider(side.credential);
    const opened = createSqlServerPort(
      { name, host, port, tls, authentication },
      {
        secrets: side.secrets,
        clock: this.options.clock,
        connectSql: this.options.transports?.connectSql,
        ...(authentication.type === 'entra' ? { accessToken: () => tokens(authentication.tokenScope) } : {}),
      },
    );
    this.servers.set(key, opened);
    return opened;
  }

  private instance(
    instance: ManagedInstance,
    azure: AzureAccess,
    side: AzureSide,
  ): Promise<ManagedInstancePort> {
    return remember(this.instances, keyOf([instance.resourceId, azure]), () =>
      createManagedInstancePort(
        { resourceId: instance.resourceId, azure },
        {
          credential: side.credential,
          clock: this.options.clock,
          stateKeys: this.options.stateKeys,
          httpClient: this.options.transports?.httpClient,
        },
      ),
    );
  }

  private azureSide(azure: AzureAccess): Promise<AzureSide> {
    return remember(this.azureSides, keyOf([azure]), async () => {
      const { env, clock, warn, transports } = this.options;
      // The credential itself may need a secret from the environment or a file; a vault needs the credential.
      const credential = await createCredential(azure, {
        secrets: createSecrets({ env, clock, warn }),
        clock,
        httpClient: transports?.httpClient,
      });
      return {
        credential,
        secrets: createSecrets({ env, clock, warn, keyVault: { credential: async () => credential } }),
      };
    });
  }

  private host(resourceId: string, azure: ManagedInstancePort): Promise<string> {
    return remember(
      this.hosts,
      resourceId,
      async () => (await azure.readInstance()).fullyQualifiedDomainName,
    );
  }
}

/** Remembers a promise; a failure is forgotten, so that what a person mends works at once. */
function remember<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const before = known.get(key);
  if (before !== undefined) return before;
  const made = make();
  known.set(key, made);
  made.catch(() => known.delete(key));
  return made;
}

const keyOf = (parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex');
