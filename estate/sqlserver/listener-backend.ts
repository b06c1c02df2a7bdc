/** A listener of an availability group: a login comes to the server that is the group's primary at that moment. */
import type { LoginVerdict, TdsBackend, TdsLogin, TdsServerIdentity } from '../tds/backend';
import type { EstateWorld } from '../world/world';

export interface ListenerBackendOptions {
  readonly world: EstateWorld;
  readonly group: string;
  /** The group's servers by name. */
  readonly replicas: ReadonlyMap<string, TdsBackend>;
}

export class ListenerBackend implements TdsBackend {
  /** Whom the last one was led to: the identity belongs to the session that it is asked for. */
  private last: TdsBackend;

  constructor(private readonly options: ListenerBackendOptions) {
    const [first] = options.replicas.values();
    if (first === undefined) throw new Error(`the group ${options.group} has no replica`);
    this.last = first;
  }

  get identity(): TdsServerIdentity {
    return (this.primary() ?? this.last).identity;
  }

  async login(login: TdsLogin, spid: number, terminate: () => void): Promise<LoginVerdict> {
    const primary = this.primary();
    // The address moves with the primary; while there is none, nobody answers at it.
    if (primary === undefined) return { kind: 'dropped', how: 'rst' };
    this.last = primary;
    return primary.login(login, spid, terminate);
  }

  private primary(): TdsBackend | undefined {
    const { world, group, replicas } = this.options;
    for (const [name, backend] of replicas) {
      const isUp = world.instances.get(name).state === 'running';
      if (isUp && world.groups.get(name, group)?.role === 'PRIMARY') return backend;
    }
    return undefined;
  }
}
