/** One migration on a stage of its own, and what a scenario asks of it again and again. */
import type { MigrationResult } from '../../src/workflows/link/migration-result';
import type { LinkStatus } from '../../src/workflows/link/status';
import { APPLICATION, type EstateParts, estateWithApplication, until } from './application';
import { QUICK_POLLING, type Stage, startStage } from './scenario';

/** Sections of a migration that fences the application. @param cutover @param logBackups more fields, as YAML */
export const fencingSections = (cutover: string, logBackups = 'every: 15m'): string => `
logBackups: { directory: "C:\\\\Backup", ${logBackups} }
cutover: { fence: { disableLogins: [${APPLICATION.name}] }, ${cutover} }
${QUICK_POLLING}
`;

let count = 0;

export class FollowedMigration {
  private constructor(
    readonly stage: Stage,
    readonly name: string,
  ) {}

  /** Each has a name of its own: one that fails must not stand in the way of the next on a shared server. */
  static async begin(parts: EstateParts, sections: string): Promise<FollowedMigration> {
    const stage = await startStage({ estate: estateWithApplication(parts) });
    count += 1;
    const migration = new FollowedMigration(stage, `sales-${count}`);
    await stage.startWorker();
    await stage.migrations.start(stage.spec(sections, migration.name));
    return migration;
  }

  get world() {
    return this.stage.estate.world;
  }

  async status(): Promise<LinkStatus> {
    return (await this.stage.migrations.view(this.name)).status;
  }

  /** Codes of what happened so far. */
  async codes(): Promise<string[]> {
    return (await this.status()).events.map((event) => event.code);
  }

  until(what: string, fits: (status: LinkStatus) => boolean): Promise<void> {
    return until(what, async () => fits(await this.status()));
  }

  untilReplicating(): Promise<void> {
    return this.until('it replicates', ({ phase }) => phase === 'replicating');
  }

  untilItWaitsFor(text: string): Promise<void> {
    return this.until(`it waits for: ${text}`, ({ waitingFor }) => waitingFor.includes(text));
  }

  async result(): Promise<MigrationResult> {
    const result = await this.stage.migrations.result(this.name);
    if (result.workflowType !== 'linkMigration') throw new Error(`${this.name} is no migration`);
    return result;
  }

  close(): Promise<void> {
    return this.stage.close();
  }
}
