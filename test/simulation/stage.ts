/** Everything that takes part in one schedule, in one process: estate, network, Temporal, worker processes, application. */
import type { InProcessEstate } from '../../estate/in-process';
import { openInProcess } from '../../estate/in-process';
import type { EstateDefinitionInput } from '../../estate/world/definition';
import { Snapshots } from '../../src/activities/run/snapshots';
import { stateKeyFrom } from '../../src/adapters/azure';
import type { Transports } from '../../src/adapters/transports';
import type { ResolvedLink } from '../../src/model/link/spec';
import type { Notification } from '../../src/ports/notifier';
import { watchQueueOf } from '../../src/temporal/task-queues';
import { createActivities } from '../../src/worker/activities';
import { LinkPortsPool } from '../../src/worker/link-ports';
import { inventoryYaml, specOf } from '../support/estate-spec';
import { APPLICATION, Application, type ApplicationSide } from './application';
import type { Chance } from './chance';
import { EstateClock } from './estate-clock';
import type { Faults } from './faults';
import { httpClientOf } from './http-client';
import { Network } from './network';
import { QUEUE, TemporalService } from './temporal-service';
import { type ActivityFunction, TemporalWorker } from './temporal-worker';
import { Timeline } from './timeline';
import { newParty, type Party, type VirtualTime } from './virtual-time';
import { clockOf } from './worker-clock';

export interface Told extends Notification {
  /** Unix milliseconds. */
  readonly at: number;
}

const ENV = {
  ESTATE_CLIENT_SECRET: 'ferry-secret',
  SQL1_PASSWORD: 'Ferry!Passw0rd',
  MI_PASSWORD: 'Ferry!Passw0rd',
  MASTER_KEY_PASSWORD: 'Master!Key!Passw0rd',
};

const SIDES = ['SQL1', 'mi-west'] as const;

export class Stage {
  readonly parties: {
    readonly azure: Party;
    readonly temporal: Party;
    readonly application: Party;
    readonly sides: Readonly<Record<(typeof SIDES)[number], Party>>;
  };
  readonly network: Network;
  readonly estate: InProcessEstate;
  readonly service: TemporalService;
  readonly application: Application;
  /** What people were told, in order. */
  readonly told: Told[] = [];
  /** Failures of the simulation itself and unhandled ones of the product. */
  readonly errors: unknown[] = [];
  /** Who hears of what the service hands out. */
  watching: { handedOut(what: string): void } | undefined;
  /** Since when all is well, Unix milliseconds; undefined while things go wrong. */
  calmSince: number | undefined;
  readonly timeline: Timeline;
  private readonly workers = new Map<string, TemporalWorker>();

  constructor(
    readonly time: VirtualTime,
    readonly faults: Faults,
    chance: Chance,
    definition: EstateDefinitionInput,
  ) {
    this.parties = {
      azure: newParty('azure'),
      temporal: newParty('temporal'),
      application: newParty('application'),
      sides: { SQL1: newParty('SQL1'), 'mi-west': newParty('mi-west') },
    };
    this.timeline = new Timeline(time);
    this.network = new Network(time, chance.derive('latency'), faults);
    const base = new Date(time.now).toISOString();
    const clock = new EstateClock(time, newParty('estate'));
    this.estate = openInProcess({ ...definition, clock: { base } }, clock);
    this.service = new TemporalService(
      time,
      this.parties.temporal,
      this.network,
      faults,
      (error) => this.errors.push(error),
      {
        attemptHandedOut: (task, worker) => {
          this.watching?.handedOut(task.what);
          this.timeline.note(`${worker.party.name} gets ${task.what}, attempt ${task.attempt}`);
        },
        attemptEnded: (task, how) => this.timeline.note(`${task.what}, attempt ${task.attempt}: ${how}`),
        workflowEnded: ({ info }, { kind }) => this.timeline.note(`workflow ${info.workflowId}: ${kind}`),
      },
    );
    const pauses = chance.derive('application');
    this.application = new Application(this.sidesFor(this.parties.application), {
      pause: () => pauses.duration(500, 20_000),
      now: () => time.now,
    });
    this.bringLogin();
  }

  /** Starts a worker process. @param name tells it from the others; a crashed one starts again under its name */
  startWorker(name: string, skewMs = 0): Party {
    const party = { ...newParty(name), skewMs };
    this.timeline.note(`${name} starts, its clock ${skewMs} ms ahead`);
    const worker = new TemporalWorker(
      party,
      new Set([QUEUE, watchQueueOf(QUEUE)]),
      this.activitiesOf(party) as unknown as Readonly<Record<string, ActivityFunction>>,
      this.service,
    );
    this.workers.set(name, worker);
    this.service.addWorker(worker);
    return party;
  }

  isWorker(party: Party): boolean {
    return this.workers.get(party.name)?.party === party;
  }

  /** Of the processes that are there, also those that are frozen. */
  get workerParties(): readonly Party[] {
    return [...this.workers.values()].map(({ party }) => party).filter(({ state }) => state !== 'dead');
  }

  /** Numbers of the application's rows on a side, straight from what is stored there. */
  rowsOn(side: string): ReadonlySet<number> {
    const table = this.estate.world.databases.get(side, 'Sales').store.table('dbo', 'ferry_workload');
    return new Set([...(table?.rows.values() ?? [])].map(([id]) => Number(id)));
  }

  /** The process is gone, with everything that it knew. */
  crash(party: Party): void {
    party.state = 'dead';
    this.timeline.note(`${party.name} is gone`);
    this.network.dropAllOf(party);
    const worker = this.workers.get(party.name);
    if (worker?.party === party) this.service.removeWorker(worker);
  }

  spec(sections: string): ResolvedLink {
    return specOf(inventoryYaml(this.estate, undefined), { sections, name: 'sales', database: 'Sales' });
  }

  /** With the SID that it has on the SQL Server, as the migration guide says: the user would be an orphan otherwise. */
  private bringLogin(): void {
    const { instances, logins } = this.estate.world;
    const { name, password } = APPLICATION;
    const login = instances.get('SQL1').logins.get(name);
    if (login === undefined) throw new Error('the SQL Server has no login of the application');
    logins.create('mi-west', { name, password, sid: login.sid, type: 'sql' });
  }

  private activitiesOf(party: Party) {
    const clock = clockOf(this.time, party);
    const pool = new LinkPortsPool({
      env: ENV,
      clock,
      stateKeys: [stateKeyFrom('simulation')],
      warn: () => undefined,
      transports: this.transportsOf(party),
    });
    return createActivities(
      { link: { openPorts: (spec) => pool.open(spec), secrets: (spec) => pool.secrets(spec) } },
      {
        clock,
        temporalClock: clock,
        snapshots: new Snapshots(clock),
        notifier: {
          notify: async (notification) => {
            this.told.push({ ...notification, at: this.time.now });
            this.timeline.note(`told: ${notification.code}: ${notification.message}`);
          },
        },
        hooks: {
          call: async () => {
            throw new Error('no hook is configured');
          },
        },
      },
    );
  }

  private transportsOf(party: Party): Transports {
    const { network, faults, estate } = this;
    return {
      connectSql: (_host, port, signal) => {
        const instance = estate.instances.find((each) => each.port === port);
        if (instance === undefined) throw new Error(`no instance listens on ${port}`);
        return this.connect(party, instance.name, signal);
      },
      httpClient: httpClientOf(party, { network, faults, estate, azure: this.parties.azure }),
    };
  }

  private connect(client: Party, instance: string, signal: AbortSignal) {
    const side = instance === 'SQL1' ? this.parties.sides.SQL1 : this.parties.sides['mi-west'];
    return this.network.connect(client, side, (socket) => this.estate.connect(instance, socket), signal);
  }

  private sidesFor(client: Party): readonly [ApplicationSide, ApplicationSide] {
    const side = (name: string): ApplicationSide => ({
      name,
      connect: (signal) => this.connect(client, name, signal),
    });
    return [side(SIDES[0]), side(SIDES[1])];
  }
}
