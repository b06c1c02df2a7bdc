/** A writer that stays with its database: where it lives at first, and on the other side once that one leads. */
import type { RunningEstate, RunningInstance } from '../../../estate/estate';
import type { WorkloadTarget } from '../../../estate/workload/driver';
import { verify, type WorkloadReport, WorkloadWriter } from '../../../estate/workload/writer';
import { applicationLogins, crossingsOf } from './spec-files';

export interface RunningWorkload {
  readonly database: string;
  report(): WorkloadReport;
  /** Ends it after the row under way, and looks for every acknowledged row where it wrote last. */
  stop(): Promise<WorkloadEnd>;
}

export interface WorkloadEnd {
  readonly report: WorkloadReport;
  /** Instance on which it wrote last. */
  readonly place: string;
  /** Acknowledged rows that are not there; undefined when the instance cannot be asked. */
  readonly lost: number | undefined;
}

const ROWS_PER_SECOND = 20;
const LOOK_EVERY_MS = 500;

/** @returns undefined when the estate has no database to write into */
export function startWorkload(estate: RunningEstate): RunningWorkload | undefined {
  const [crossing] = crossingsOf(estate.world.definition.instances);
  if (crossing === undefined) return undefined;
  const { server, database } = crossing;
  const home = crossing.leader ?? server;
  const places = [home.name, crossing.leader === undefined ? crossing.instance : server.name];
  const application = applicationLogins(home, database)[0];
  const login = home.logins.find((each) => each.name === application);

  /** The application has its login where the database is at first: moving logins is not the link's business. */
  const target = (instance: RunningInstance): WorkloadTarget => ({
    host: instance.host,
    port: instance.port,
    database: database.name,
    ...(login !== undefined && instance.name === home.name
      ? { user: login.name, password: login.password }
      : { user: instance.adminLogin, password: instance.adminPassword }),
  });
  const mayWrite = (name: string): boolean => {
    const { world } = estate;
    if (world.instances.get(name).state !== 'running') return false;
    const disabled = world.instances.get(name).logins.get(target(estate.instance(name)).user.toLowerCase());
    return disabled?.disabled !== true && isWritable(estate, name, database.name);
  };

  let place = home.name;
  const writer = new WorkloadWriter({ target: target(estate.instance(place)), rate: ROWS_PER_SECOND });
  writer.start();
  const looking = setInterval(() => {
    if (mayWrite(place)) return;
    const next = places.find((name) => name !== place && mayWrite(name));
    if (next === undefined) return;
    place = next;
    writer.repoint(target(estate.instance(next)));
  }, LOOK_EVERY_MS);

  return {
    database: database.name,
    report: () => writer.report(),
    async stop() {
      clearInterval(looking);
      await writer.stop();
      const lost = await verify(writer.acknowledged, target(estate.instance(place))).then(
        (verdict) => verdict.lost.length,
        () => undefined,
      );
      return { report: writer.report(), place, lost };
    },
  };
}

function isWritable({ world }: RunningEstate, instance: string, database: string): boolean {
  try {
    world.databases.storeForWrite(instance, database);
    return true;
  } catch {
    return false;
  }
}
