/** The ways between instances. Bandwidth is shared by the streams on a way; a cut heals by itself when asked to. */
import type { Network } from './api';
import type { GroupListener, NetworkPath } from './model';
import { instanceOf, key, type Mutable, type WorldState } from './state';

export class WorldNetwork implements Network {
  constructor(private readonly state: WorldState) {}

  path(a: string, b: string): NetworkPath {
    return pathBetween(this.state, a, b);
  }

  setPath(a: string, b: string, change: { bandwidth?: number; latencyMs?: number }): void {
    const path = pathBetween(this.state, a, b);
    path.bandwidth = change.bandwidth ?? path.bandwidth;
    path.latencyMs = change.latencyMs ?? path.latencyMs;
    this.state.events.pathChanged(path.a, path.b);
    this.state.journal.mark(`network ${path.a} - ${path.b} has ${path.bandwidth} B/s, ${path.latencyMs} ms`);
  }

  disconnect(a: string, b: string, forMs?: number): void {
    const path = pathBetween(this.state, a, b);
    path.up = false;
    delete path.downUntil;
    if (forMs !== undefined) {
      const until = this.state.clock.now() + forMs;
      path.downUntil = until;
      this.state.clock.at(until, () => {
        if (path.downUntil === until) this.reconnect(a, b);
      });
    }
    this.state.events.pathChanged(path.a, path.b);
    this.state.journal.mark(`network ${path.a} - ${path.b} cut`);
  }

  reconnect(a: string, b: string): void {
    const path = pathBetween(this.state, a, b);
    if (path.up) return;
    path.up = true;
    delete path.downUntil;
    this.state.events.pathChanged(path.a, path.b);
    this.state.journal.mark(`network ${path.a} - ${path.b} restored`);
  }

  probe(from: string, toHost: string, port: number): boolean {
    const target = hostOf(this.state, toHost);
    if (!target || target.state !== 'running' || !pathBetween(this.state, from, target.name).up) return false;
    if (instanceOf(this.state, from).state !== 'running') return false;
    // A managed instance always listens on 5022 and on its fabric port in 11000-11999.
    if (target.managed) return port === 5022 || port === target.managed.hadrPort;
    return target.endpoint?.state === 'STARTED' && target.endpoint.port === port;
  }
}

export function pathBetween(state: WorldState, first: string, second: string): Mutable<NetworkPath> {
  const [a = first, b = second] = [first, second].map((name) => instanceOf(state, name).name).sort();
  const id = `${key(a)}|${key(b)}`;
  let path = state.paths.get(id);
  if (!path) {
    path = {
      a,
      b,
      up: true,
      bandwidth: state.rates.networkBandwidth,
      latencyMs: state.rates.networkLatencyMs,
    };
    state.paths.set(id, path);
  }
  return path;
}

/** Instance that answers under a host name or address; at a listener it is the primary of the listener's group. */
export function hostOf(state: WorldState, host: string) {
  const wanted = key(host);
  for (const instance of state.instances.values()) {
    const names = [instance.name, instance.serverName, ...instance.addresses];
    if (names.some((name) => key(name) === wanted)) return instance;
  }
  for (const instance of state.instances.values()) {
    for (const group of instance.groups.values()) {
      if (group.role === 'PRIMARY' && group.listeners.some((listener) => answersAt(listener, wanted)))
        return instance;
    }
  }
  return undefined;
}

const answersAt = ({ dnsName, addresses }: GroupListener, wanted: string): boolean =>
  key(dnsName) === wanted || addresses.some(({ ip }) => key(ip) === wanted);
