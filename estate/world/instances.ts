/** Servers as machines: they run, stop, die and come back; they keep sessions and an error log. */
import type { Instances } from './api';
import type { BackgroundRequest, Instance, Session } from './model';
import { hostOf } from './network';
import { refusals } from './refusals';
import { instanceOf, key, type MutableInstance, type WorldState, writeErrorLog } from './state';

export class WorldInstances implements Instances {
  /** Sources of requests that run without a session: seeding, backups. */
  readonly backgroundSources: ((instance: MutableInstance) => readonly BackgroundRequest[])[] = [];

  constructor(private readonly state: WorldState) {}

  get(name: string): Instance {
    return instanceOf(this.state, name);
  }

  find(name: string): Instance | undefined {
    return this.state.instances.get(key(name));
  }

  all(): readonly Instance[] {
    return [...this.state.instances.values()];
  }

  byHost(host: string): Instance | undefined {
    return hostOf(this.state, host);
  }

  byResource(subscriptionId: string, resourceGroup: string, name: string): Instance | undefined {
    const instance = this.state.instances.get(key(name));
    const managed = instance?.managed;
    if (!managed || key(managed.subscriptionId) !== key(subscriptionId)) return undefined;
    return key(managed.resourceGroup) === key(resourceGroup) ? instance : undefined;
  }

  stop(name: string): void {
    this.takeDown(instanceOf(this.state, name), 'stopped');
  }

  start(name: string): void {
    const instance = instanceOf(this.state, name);
    if (instance.state === 'stopped') this.bringUp(instance);
  }

  restart(name: string, downMs?: number): void {
    const instance = instanceOf(this.state, name);
    if (instance.state !== 'running') return;
    const operation = this.state.timeline.start('instance-restart', instance.name);
    this.takeDown(instance, 'stopped');
    this.state.clock.after(downMs ?? this.state.rates.restartMs, () => {
      this.start(name);
      this.state.timeline.finish(operation);
    });
  }

  kill(name: string): void {
    this.takeDown(instanceOf(this.state, name), 'dead');
  }

  revive(name: string): void {
    const instance = instanceOf(this.state, name);
    if (instance.state === 'dead') this.bringUp(instance);
  }

  updateManaged(name: string, change: Parameters<Instances['updateManaged']>[1]): void {
    const { managed } = instanceOf(this.state, name);
    if (!managed) throw new Error(`'${name}' is not a managed instance`);
    Object.assign(managed, change);
    this.state.journal.mark(`scale managed instance ${name}`);
  }

  setTraceFlag(name: string, flag: number, on: boolean): void {
    const instance = instanceOf(this.state, name);
    if (instance.traceFlags.has(flag) === on) return;
    if (on) instance.traceFlags.add(flag);
    else instance.traceFlags.delete(flag);
    writeErrorLog(
      this.state,
      instance,
      'spid51',
      `DBCC TRACE${on ? 'ON' : 'OFF'} ${flag}, server process ID (SPID) 51.`,
    );
    this.state.journal.mark(`trace flag ${flag} ${on ? 'on' : 'off'} on ${instance.name}`);
  }

  writeErrorLog(name: string, process: string, text: string): void {
    writeErrorLog(this.state, instanceOf(this.state, name), process, text);
  }

  openSession(name: string, session: Omit<Session, 'status' | 'loginTime' | 'openTransactions'>): void {
    const instance = instanceOf(this.state, name);
    if (instance.state !== 'running') throw refusals.serverShutdown();
    instance.sessions.set(session.spid, {
      ...session,
      status: 'sleeping',
      loginTime: this.state.clock.now(),
      openTransactions: 0,
    });
  }

  updateSession(name: string, spid: number, change: Partial<Omit<Session, 'spid' | 'terminate'>>): void {
    const session = instanceOf(this.state, name).sessions.get(spid);
    if (session) Object.assign(session, change);
  }

  closeSession(name: string, spid: number): void {
    instanceOf(this.state, name).sessions.delete(spid);
  }

  killSession(name: string, spid: number): void {
    const instance = instanceOf(this.state, name);
    const session = instance.sessions.get(spid);
    if (!session) throw refusals.noSuchProcess(spid);
    instance.sessions.delete(spid);
    this.state.journal.mark(`kill session ${spid} on ${instance.name}`);
    session.terminate();
  }

  backgroundRequests(name: string): readonly BackgroundRequest[] {
    const instance = instanceOf(this.state, name);
    return this.backgroundSources.flatMap((source) => source(instance));
  }

  private takeDown(instance: MutableInstance, state: 'stopped' | 'dead'): void {
    if (instance.state !== 'running') {
      if (instance.state === 'stopped') instance.state = state;
      return;
    }
    instance.state = state;
    writeErrorLog(this.state, instance, 'Server', 'SQL Server is terminating because of a system shutdown.');
    endSessions(instance, () => true);
    this.pauseLogs(instance, true);
    for (const copy of instance.databases.values()) copy.epoch += 1;
    this.state.events.instanceDown(instance.name);
    this.state.journal.mark(`${instance.name} ${state}`);
  }

  private pauseLogs(instance: MutableInstance, paused: boolean): void {
    for (const copy of instance.databases.values()) {
      // A local secondary shares the log of its primary, which goes on.
      if (instance.groups.get(key(copy.groupName ?? ''))?.role === 'SECONDARY') continue;
      if (!copy.incoming) copy.log.settle(this.state.clock.now());
      copy.log.paused = paused;
    }
  }

  private bringUp(instance: MutableInstance): void {
    this.pauseLogs(instance, false);
    instance.state = 'running';
    instance.startedAt = this.state.clock.now();
    writeErrorLog(
      this.state,
      instance,
      'Server',
      'SQL Server is now ready for client connections. This is an informational message; no user action is required.',
    );
    this.state.journal.mark(`${instance.name} started`);
  }
}

/** Ends sessions the hard way, as a role change or a shutdown does. */
export function endSessions(instance: MutableInstance, chosen: (session: Session) => boolean): void {
  for (const session of [...instance.sessions.values()]) {
    if (!chosen(session)) continue;
    instance.sessions.delete(session.spid);
    session.terminate();
  }
}
