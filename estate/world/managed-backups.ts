/** Backups that Azure takes by itself of databases whose primary is a managed instance. */
import type { WorldBackups } from './backups';
import { roleOf } from './roles';
import { type DatabaseCopy, key, type MutableInstance, type WorldState } from './state';

export class ManagedBackups {
  /** The plan in force for each copy; an older one ends by itself. */
  private readonly plans = new WeakMap<DatabaseCopy, symbol>();

  constructor(
    private readonly state: WorldState,
    private readonly backups: WorldBackups,
  ) {}

  /**
   * The first full backup some time from now, and then log backups.
   * @param flagged until the first one is finished the database is marked as waiting for it (after a failover)
   */
  begin(instance: MutableInstance, copy: DatabaseCopy, flagged: boolean): void {
    copy.awaitsFirstFullBackup = flagged;
    const plan = Symbol('backups');
    this.plans.set(copy, plan);
    const isStill = () => this.plans.get(copy) === plan && this.leads(instance, copy);
    this.later(this.state.rates.firstFullBackupDelayMs, () => {
      if (!isStill()) return;
      const startedAt = this.state.clock.now();
      const operation = this.state.timeline.start('automatic-full-backup', `${instance.name}/${copy.name}`);
      this.later((copy.dataBytes / this.state.rates.backupRate) * 1000, () => {
        if (!isStill())
          return this.state.timeline.finish(operation, {
            code: 'OperationInterrupted',
            message: 'The role changed.',
          });
        this.backups.recordDone(instance, copy, 'D', this.blob(copy, 'full'), startedAt);
        copy.awaitsFirstFullBackup = false;
        this.state.timeline.finish(operation);
        this.logBackup(instance, copy, isStill);
      });
    });
  }

  /** Log backups of a database that has its full one: it lived on the instance when the story began. */
  continue(instance: MutableInstance, copy: DatabaseCopy): void {
    const plan = Symbol('backups');
    this.plans.set(copy, plan);
    this.logBackup(instance, copy, () => this.plans.get(copy) === plan && this.leads(instance, copy));
  }

  private logBackup(instance: MutableInstance, copy: DatabaseCopy, isStill: () => boolean): void {
    this.later(this.state.rates.managedLogBackupMs, () => {
      if (!isStill()) return;
      copy.log.settle(this.state.clock.now());
      // Nothing written, nothing to back up: an idle database costs no rows.
      if (copy.log.end > copy.log.backedUpTo) {
        this.backups.recordDone(instance, copy, 'L', this.blob(copy, 'log'), this.state.clock.now());
      }
      this.logBackup(instance, copy, isStill);
    });
  }

  private leads(instance: MutableInstance, copy: DatabaseCopy): boolean {
    // While the machine is down the plan waits: its next step is simply late.
    return instance.databases.get(key(copy.name)) === copy && roleOf(instance, copy) !== 'SECONDARY';
  }

  private blob(copy: DatabaseCopy, kind: string): string {
    return `https://managedbackup.blob.core.windows.net/${copy.familyGuid.toLowerCase()}/${kind}-${this.state.clock.now()}.bak`;
  }

  private later(ms: number, act: () => void): void {
    this.state.journal.detached(() => this.state.clock.after(ms, act));
  }
}
