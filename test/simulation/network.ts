/** The network between the parties of a simulation: how long things take, what gets lost, who cannot reach whom. */
import type { Chance } from './chance';
import type { FaultOffer, Faults } from './faults';
import { MemorySocket, type Wire } from './memory-socket';
import type { Party, VirtualTime } from './virtual-time';

const STREAM_FAULTS: readonly FaultOffer[] = [
  { kind: 'delay', weight: 1, ms: [50, 20_000] },
  { kind: 'reset', weight: 1, ms: [1, 1] },
  { kind: 'stall', weight: 0.5, ms: [1, 1] },
];

/** Of one way, milliseconds. */
const LATENCY: readonly [number, number] = [0.2, 4];

/** Nothing answers a SYN: how long the system tries, milliseconds. Drivers give up before. */
const CONNECT_GIVES_UP_MS = 120_000;

/** The driver asks for keep-alive after 30 s; Linux then probes nine times, every 75 s. */
const CLIENT_KEEP_ALIVE_MS = 30_000 + 9 * 75_000;
/** SQL Server asks after 30 s and then every second, ten times by Windows' default. */
const SERVER_KEEP_ALIVE_MS = 40_000;

interface HalfWire {
  readonly from: Party;
  readonly to: Party;
  readonly receiver: MemorySocket;
  /** Nothing overtakes: when the last bytes arrive. */
  lastAt: number;
}

export class Network {
  /** Pairs that cannot reach each other, with what waits until they can. */
  private readonly cuts = new Map<string, (() => void)[]>();

  constructor(
    private readonly time: VirtualTime,
    private readonly chance: Chance,
    private readonly faults: Faults,
  ) {}

  latency(): number {
    return LATENCY[0] + this.chance.next() * (LATENCY[1] - LATENCY[0]);
  }

  isCut(a: Party, b: Party): boolean {
    return this.cuts.has(pair(a, b));
  }

  cut(a: Party, b: Party): void {
    if (!this.isCut(a, b)) this.cuts.set(pair(a, b), []);
  }

  heal(a: Party, b: Party): void {
    const waiting = this.cuts.get(pair(a, b)) ?? [];
    this.cuts.delete(pair(a, b));
    for (const deliver of waiting) deliver();
  }

  healAll(): void {
    for (const waiting of this.cuts.values()) for (const deliver of waiting) deliver();
    this.cuts.clear();
  }

  /** Runs something at the other party, later; while they cannot reach each other it waits, as TCP and gRPC do. */
  send(from: Party, to: Party, run: () => void, extraMs = 0): void {
    this.sendAt(from, to, this.time.now + this.latency() + extraMs, run);
  }

  /** As `send`, where something sent before must not be overtaken. @param at Unix milliseconds, at the earliest */
  sendAt(from: Party, to: Party, at: number, run: () => void): void {
    const deliver = (): void => {
      this.time.schedule(to, at - this.time.now, run);
    };
    const waiting = this.cuts.get(pair(from, to));
    if (waiting === undefined) deliver();
    else waiting.push(deliver);
  }

  /**
   * Opens a connection.
   * @param accept gets the server's end; undefined: nothing listens there, and the client is refused
   */
  connect(
    client: Party,
    server: Party,
    accept: ((socket: MemorySocket) => void) | undefined,
    signal: AbortSignal,
  ): Promise<MemorySocket> {
    return new Promise((resolve, reject) => {
      const giveUp = this.time.schedule(client, CONNECT_GIVES_UP_MS, () => reject(networkError('ETIMEDOUT')));
      const abort = (): void => {
        giveUp.cancel();
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.send(client, server, () => {
        if (accept === undefined) {
          this.send(server, client, () => reject(networkError('ECONNREFUSED')));
          return;
        }
        const ends = this.open(client, server);
        accept(ends.server);
        this.send(server, client, () => {
          giveUp.cancel();
          signal.removeEventListener('abort', abort);
          if (signal.aborted) ends.client.destroy();
          else resolve(ends.client);
        });
      });
    });
  }

  /** The machine is gone, and with it all its connections: the other ends learn of it. */
  dropAllOf(party: Party): void {
    for (const connection of [...this.connections]) if (connection.has(party)) connection.tear(party);
  }

  private readonly connections = new Set<Connection>();

  private open(client: Party, server: Party): { client: MemorySocket; server: MemorySocket } {
    const ends = { client: new MemorySocket(), server: new MemorySocket() };
    const connection = new Connection(this.time, this, this.faults, client, server, ends, () =>
      this.connections.delete(connection),
    );
    this.connections.add(connection);
    return ends;
  }
}

class Connection {
  private isSilent = false;
  private isTorn = false;

  constructor(
    private readonly time: VirtualTime,
    private readonly network: Network,
    private readonly faults: Faults,
    private readonly client: Party,
    private readonly server: Party,
    private readonly ends: { readonly client: MemorySocket; readonly server: MemorySocket },
    private readonly closed: () => void,
  ) {
    const toServer: HalfWire = { from: client, to: server, receiver: ends.server, lastAt: 0 };
    const toClient: HalfWire = { from: server, to: client, receiver: ends.client, lastAt: 0 };
    ends.client.attach(this.wire(toServer));
    ends.server.attach(this.wire(toClient));
    // A driver that let go of its socket listens no more; an error then is nobody's.
    for (const end of [ends.client, ends.server]) end.on('error', () => undefined);
  }

  has(party: Party): boolean {
    return party === this.client || party === this.server;
  }

  /** One end's machine is gone; the other end is told. */
  tear(gone: Party): void {
    if (this.isTorn) return;
    this.isTorn = true;
    const [to, receiver] =
      gone === this.client ? [this.server, this.ends.server] : [this.client, this.ends.client];
    this.network.send(gone, to, () => receiver.receiveReset());
    this.closed();
  }

  private wire(half: HalfWire): Wire {
    return {
      send: (chunk) => this.carry(half, chunk),
      end: () => this.deliver(half, () => half.receiver.receiveEnd(), 0),
      close: () => {
        if (this.isTorn) return;
        this.isTorn = true;
        this.deliver(half, () => half.receiver.receiveReset(), 0);
        this.closed();
      },
    };
  }

  private carry(half: HalfWire, chunk: Buffer): void {
    if (this.isSilent || this.isTorn) return;
    const fault = this.faults.at(`tds ${half.from.name} > ${half.to.name}`, STREAM_FAULTS);
    switch (fault?.kind) {
      case 'reset':
        this.reset(half);
        return;
      case 'stall':
        this.fallSilent();
        return;
      default:
        this.deliver(half, receive(half.receiver, chunk), fault?.ms ?? 0);
    }
  }

  /** Nothing gets through any more, and neither end is told: each finds out by its own keep-alive. */
  private fallSilent(): void {
    this.isSilent = true;
    const { client, server } = this.ends;
    this.time.schedule(this.client, CLIENT_KEEP_ALIVE_MS, () => client.receiveReset('ETIMEDOUT'));
    this.time.schedule(this.server, SERVER_KEEP_ALIVE_MS, () => server.receiveReset('ETIMEDOUT'));
  }

  /** Bytes are lost and so is the connection, for both ends. */
  private reset(half: HalfWire): void {
    this.isTorn = true;
    const back = half.receiver === this.ends.server ? this.ends.client : this.ends.server;
    this.time.schedule(half.from, this.network.latency(), () => back.receiveReset());
    this.time.schedule(half.to, this.network.latency(), () => half.receiver.receiveReset());
    this.closed();
  }

  private deliver(half: HalfWire, run: () => void, extraMs: number): void {
    if (this.isSilent) return;
    const latest = Math.max(half.lastAt, this.time.now + this.network.latency() + extraMs);
    half.lastAt = latest;
    this.network.sendAt(half.from, half.to, latest, run);
  }
}

/** The sender may write over its buffer. */
function receive(receiver: MemorySocket, chunk: Buffer): () => void {
  const bytes = Buffer.from(chunk);
  return () => receiver.receive(bytes);
}

const pair = (a: Party, b: Party): string => [a.name, b.name].sort().join('|');

export function networkError(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code, errno: -1, syscall: 'connect' });
}
