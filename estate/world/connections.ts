/**
 * The connection of each link: made by a handshake, broken by what breaks it, and tried again when something changed.
 * A live connection outlives the expiry of its certificates; the next handshake does not.
 */
import { type HandshakeProblem, handshakeProblem } from './handshake';
import type { LinkRuntime, LinkTable } from './link-state';
import { key, type WorldState, writeErrorLog } from './state';

export interface ConnectionEvents {
  connected: (runtime: LinkRuntime) => void;
  disconnected: (runtime: LinkRuntime, problem: HandshakeProblem) => void;
}

export class Connections {
  constructor(
    private readonly state: WorldState,
    private readonly table: LinkTable,
    private readonly events: ConnectionEvents,
  ) {}

  /** One attempt now. Undefined = connected. */
  attempt(runtime: LinkRuntime): HandshakeProblem | undefined {
    runtime.attempt?.cancel();
    delete runtime.attempt;
    if (runtime.link.connection.state === 'CONNECTED') return undefined;
    const problem = handshakeProblem(this.state, runtime.link);
    if (problem) {
      this.remember(runtime, problem);
      return problem;
    }
    const { lastError } = runtime.link.connection;
    runtime.link.connection = {
      state: 'CONNECTED',
      since: this.state.clock.now(),
      ...(lastError ? { lastError } : {}),
    };
    this.log(
      runtime,
      `A connection for availability group '${runtime.link.name}' has been successfully established (35202).`,
    );
    this.events.connected(runtime);
    return undefined;
  }

  /** Something changed: those who wait try again, a little later, once. */
  poke(): void {
    for (const runtime of this.table.all()) {
      if (runtime.link.connection.state === 'CONNECTED' || runtime.broken || runtime.attempt) continue;
      runtime.attempt = this.state.journal.detached(() =>
        this.state.clock.after(this.state.rates.reconnectMs, () => {
          this.attempt(runtime);
        }),
      );
    }
  }

  /** Breaks the connections of an instance, or of a pair, whose transport is gone or was reset. */
  break(between: readonly string[], problem: HandshakeProblem): void {
    for (const runtime of this.table.all()) {
      if (between.every((instance) => this.table.touches(runtime.link, instance)))
        this.disconnect(runtime, problem);
    }
    this.poke();
  }

  disconnect(runtime: LinkRuntime, problem: HandshakeProblem): void {
    if (runtime.link.connection.state === 'DISCONNECTED') return;
    runtime.link.connection = {
      ...runtime.link.connection,
      state: 'DISCONNECTED',
      since: this.state.clock.now(),
    };
    this.remember(runtime, problem);
    this.log(runtime, `A connection for availability group '${runtime.link.name}' has been lost (35206).`);
    this.events.disconnected(runtime, problem);
  }

  private remember(runtime: LinkRuntime, problem: HandshakeProblem): void {
    const { link } = runtime;
    link.mostRecentError = String(problem.number);
    link.connection = {
      ...link.connection,
      lastError: {
        number: problem.connectNumber,
        description: problem.description,
        at: this.state.clock.now(),
      },
    };
    if (problem.number >= 28000 && problem.number < 29000)
      this.log(runtime, `Error: ${problem.number}. ${problem.description}`);
  }

  private log(runtime: LinkRuntime, text: string): void {
    for (const name of [runtime.link.managedInstance, runtime.link.sqlServer]) {
      const instance = name === undefined ? undefined : this.state.instances.get(key(name));
      if (instance?.state === 'running') writeErrorLog(this.state, instance, 'spid35s', text);
    }
  }
}
