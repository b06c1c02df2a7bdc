/**
 * The estate without sockets: clients in the same process bring a stream for each connection to an instance, and hand
 * their HTTP requests over one by one. For simulations, whose network is their own.
 */
import { AzureServer, type ReceivedRequest } from './azure/server';
import { TokenIssuer } from './azure/tokens';
import {
  admitApplications,
  describeAzure,
  describeInstance,
  find,
  type RunningAzure,
  type RunningInstance,
  sqlBackend,
} from './estate';
import { TdsServer } from './tds/server';
import type { TdsSocket } from './tds/transport';
import type { Clock } from './world/api';
import type { EstateDefinitionInput } from './world/definition';
import { EstateWorld } from './world/world';

export interface InProcessEstate {
  readonly world: EstateWorld;
  readonly instances: readonly RunningInstance[];
  readonly azure: RunningAzure;
  /** @throws Error when there is no such instance; names compare without case. */
  instance(name: string): RunningInstance;
  /** A client's connection to an instance, in clear. @param socket the server's end */
  connect(instance: string, socket: TdsSocket): void;
  /** One request to Azure Resource Manager or Entra ID. */
  request(received: ReceivedRequest): ReturnType<AzureServer['answer']>;
}

/** A name under which nothing answers but this estate; its clients resolve nothing. */
const AZURE_ORIGIN = 'https://azure.estate.example';
/** Of all estates of this process: making its keys takes longer than all else that an estate needs. */
let tokens: TokenIssuer | undefined;

const HOST = 'estate.example';
const FIRST_PORT = 20_000;

/**
 * @param definition plain object (see docs/estate.md); its ports are not used
 * @param clock simulated time; nothing of the estate waits elsewhere
 * @throws DefinitionError for a definition that does not validate
 */
export function openInProcess(definition: EstateDefinitionInput, clock: Clock): InProcessEstate {
  const world = EstateWorld.create(definition, clock);
  tokens ??= new TokenIssuer();
  const azureServer = new AzureServer({ world, tokens, tls: { keyPem: '', certPem: '', caPem: '' } });
  admitApplications(world);
  const servers = new Map<string, TdsServer>();
  const instances = world.definition.instances.map((each, index) => {
    const backend = sqlBackend(world, each.name, azureServer, { endpoint: AZURE_ORIGIN });
    servers.set(each.name.toLowerCase(), new TdsServer({ backend }));
    const described = describeInstance(world.instances.get(each.name), each, FIRST_PORT + index);
    return { ...described, host: HOST };
  });
  return {
    world,
    instances,
    azure: describeAzure(world, azureServer, { endpoint: AZURE_ORIGIN }),
    instance: (name) => find(instances, name),
    connect(name, socket) {
      const server = servers.get(name.toLowerCase());
      if (server === undefined) throw new Error(`the estate has no instance '${name}'`);
      server.serve(socket);
    },
    request: (received) => azureServer.answer(received, AZURE_ORIGIN),
  };
}
