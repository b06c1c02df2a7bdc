/**
 * Migrations whose worker is killed with signal 9 at chosen moments. Workers are processes of their own here, as they
 * are in real life, and die where it hurts most: after an effect, before its answer.
 */
import { join } from 'node:path';
import type { FaultRuleInput } from '../../estate/faults/rules';
import type { WorkloadWriter } from '../../estate/workload/writer';
import type { EstateWorld } from '../../estate/world/world';
import { WorkerProcess } from '../../src/cli/demo/worker-process';
import { type EstateParts, estateWithApplication, startApplication, until } from './application';
import { type Stage, startStage } from './scenario';

export interface Moment {
  readonly name: string;
  /** Brings the moment about: the effect happens, its answer never comes. */
  readonly fault?: FaultRuleInput;
  /** True once it is there. */
  readonly when: (scene: DeadlyScene) => boolean | Promise<boolean>;
  /** Speed of the estate's clock from the moment before until this one; the scene's own where nothing is said. */
  readonly speed?: number;
}

const effect =
  (pattern: RegExp) =>
  ({ world }: DeadlyScene): boolean =>
    world.journal.effective(pattern).length > 0;

/** The statement is done, and the worker hangs on its answer. */
export const statementDone = (name: string, statement: string): Moment => ({
  name,
  fault: { surface: 'sql', statement, count: 1, action: { kind: 'drop', when: 'after', how: 'hang' } },
  when: effect(new RegExp(statement)),
});

/** Azure has accepted the request, and the worker hangs on its answer. */
export const requestAccepted = (
  name: string,
  method: 'PUT' | 'DELETE',
  path: string,
  speed?: number,
): Moment => ({
  name,
  ...(speed === undefined ? {} : { speed }),
  fault: { surface: 'arm', method, path, count: 1, action: { kind: 'lost-response', how: 'hang' } },
  when: effect(new RegExp(`^${method} .*${path}`)),
});

export const whileDoing = (
  name: string,
  activity: string,
  speed?: number,
  also: (world: EstateWorld) => boolean = () => true,
): Moment => ({
  name,
  ...(speed === undefined ? {} : { speed }),
  when: async (scene) => also(scene.world) && (await scene.isDoing(activity)),
});

let scenes = 0;

/** An estate with an application that writes, a worker process, and a migration of the estate's database. */
export class DeadlyScene {
  private constructor(
    readonly name: string,
    readonly stage: Stage,
    readonly worker: WorkerProcess,
    readonly application: WorkloadWriter,
    private readonly sections: string,
    private readonly speed: number,
  ) {}

  /** @param speed simulated milliseconds per real one */
  static async open(parts: EstateParts & { readonly speed: number }, sections: string): Promise<DeadlyScene> {
    scenes += 1;
    const name = `sales-${scenes}`;
    const stage = await startStage({ estate: estateWithApplication(parts) });
    const worker = new WorkerProcess(
      {
        ...stage.env,
        TEMPORAL_ADDRESS: stage.server.address,
        SQLFERRY_TASK_QUEUE: stage.taskQueue,
        SQLFERRY_LOG_LEVEL: 'ERROR',
      },
      process.env.SQLFERRY_TEST_LOG ?? join(stage.folder, 'worker.log'),
    );
    const application = startApplication(stage.estate, 20);
    return new DeadlyScene(name, stage, worker, application, sections, parts.speed);
  }

  get world(): EstateWorld {
    return this.stage.estate.world;
  }

  /** Starts the first worker and the migration. */
  async start(): Promise<void> {
    await this.worker.start();
    await this.stage.migrations.start(this.stage.spec(this.sections, this.name));
  }

  async close(): Promise<void> {
    await this.application.stop();
    await this.worker.kill();
    await this.worker.stop();
    await this.stage.close();
  }

  /** Waits for each moment, kills the worker then, and starts another one at once. @returns names of the moments */
  async killAt(moments: readonly Moment[]): Promise<readonly string[]> {
    const killed: string[] = [];
    const { world, speed } = this;
    for (const [index, moment] of moments.entries()) {
      world.clock.speed = moment.speed ?? speed;
      const fault = moment.fault === undefined ? undefined : world.faults.add(moment.fault);
      await until(`${moment.name} (killed before: ${killed.join(', ')})`, () => moment.when(this), 60_000);
      await this.worker.kill();
      if (fault !== undefined) world.faults.remove(fault);
      killed.push(moment.name);
      // What is under way stays so until the next worker is there.
      world.clock.speed = Math.min(moment.speed ?? speed, moments[index + 1]?.speed ?? speed);
      await this.worker.start();
    }
    world.clock.speed = speed;
    return killed;
  }

  /** True while an activity of this type is being done. Temporal tells it without asking a worker. */
  async isDoing(activity: string): Promise<boolean> {
    const { raw } = await this.stage.migrations.handle(this.name).describe();
    const STARTED = 2;
    return (raw.pendingActivities ?? []).some(
      (pending) => pending.activityType?.name === activity && pending.state === STARTED,
    );
  }
}

/** Changes of the catalogs and of Azure that happened more than once. */
export function repeatedEffects(world: EstateWorld): readonly string[] {
  const counts = new Map<string, number>();
  for (const { instance, text, changes } of world.journal.effective()) {
    if (/BACKUP LOG|ferry_workload/.test(text)) continue;
    const what = `${instance}: ${text} (${changes.join(', ')})`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > 1).map(([what, count]) => `${count} × ${what}`);
}

export const disabledLogins = (world: EstateWorld): readonly string[] =>
  world.instances
    .all()
    .flatMap(({ name, logins }) =>
      [...logins.values()].filter((login) => login.disabled).map((login) => `${name}: ${login.name}`),
    );
