/** Backups: what they take, what they leave in msdb, and what they free in the log. */
import type { SqlError } from '../sql/errors';
import type { BackupRequest, Backups } from './api';
import { settleCopy } from './databases';
import type { BackgroundRequest, BackupSet, BackupType } from './model';
import { refusals } from './refusals';
import { readRefusal, roleOf } from './roles';
import {
  type DatabaseCopy,
  instanceOf,
  key,
  type Mutable,
  type MutableInstance,
  type WorldState,
  writeErrorLog,
} from './state';

/** No backup is quicker than this. */
const MINIMUM_MS = 200;

export class WorldBackups implements Backups {
  /** Called when a log backup has freed log, with when it began: seeding may have needed it. */
  afterLogBackup: (copy: DatabaseCopy, startedAt: number) => void = () => {};
  private readonly running = new Map<string, Mutable<BackgroundRequest>[]>();
  private nextSession = 40;

  constructor(private readonly state: WorldState) {}

  async full(
    instanceName: string,
    database: string,
    request: BackupRequest,
    signal?: AbortSignal,
  ): Promise<BackupSet> {
    const { instance, copy } = this.checked(instanceName, database, 'DATABASE', request);
    const hold = this.holdLog(copy);
    const operation = this.state.timeline.start('backup-full', `${instance.name}/${copy.name}`);
    const startedAt = this.state.clock.now();
    const startPosition = copy.log.end;
    try {
      await this.takeTime('BACKUP DATABASE', instance, copy, copy.dataBytes, request, signal);
      settleCopy(this.state, copy);
      const record = this.record(instance, copy, 'D', request, startedAt, startPosition, copy.dataBytes);
      this.state.journal.mark(`full backup of ${copy.name} on ${instance.name}`);
      this.state.timeline.finish(operation);
      return record;
    } catch (error) {
      this.state.timeline.finish(operation, { code: 'BackupAborted', message: String(error) });
      throw error;
    } finally {
      copy.log.holds.delete(hold);
      copy.log.truncate();
    }
  }

  async log(
    instanceName: string,
    database: string,
    request: BackupRequest,
    signal?: AbortSignal,
  ): Promise<BackupSet> {
    const { instance, copy } = this.checked(instanceName, database, 'LOG', request);
    if (copy.options.recoveryModel === 'SIMPLE')
      throw refusals.backupFailed('LOG', refusals.noLogBackupInSimple());
    if (copy.chainFrom === undefined) throw refusals.backupFailed('LOG', refusals.noCurrentBackup());
    const operation = this.state.timeline.start('backup-log', `${instance.name}/${copy.name}`);
    const startedAt = this.state.clock.now();
    const from = copy.log.backedUpTo;
    const to = copy.log.end;
    const { epoch } = copy;
    try {
      await this.takeTime('BACKUP LOG', instance, copy, to - from, request, signal);
      if (copy.epoch !== epoch) throw refusals.backupFailed('LOG', refusals.resolving(copy.name));
      settleCopy(this.state, copy);
      if (request.copyOnly !== true) {
        copy.log.backedUpTo = Math.max(copy.log.backedUpTo, to);
        copy.chainFrom = copy.log.backedUpTo;
        copy.log.truncate();
      }
      const record = this.record(instance, copy, 'L', request, startedAt, from, to - from, to);
      this.state.journal.mark(`log backup of ${copy.name} on ${instance.name}`);
      this.state.timeline.finish(operation);
      if (request.copyOnly !== true) this.afterLogBackup(copy, startedAt);
      return record;
    } catch (error) {
      this.state.timeline.finish(operation, { code: 'BackupAborted', message: String(error) });
      throw error;
    }
  }

  /** The history row of a backup that was taken before the story began, or by the service; takes no time itself. */
  recordDone(
    instance: MutableInstance,
    copy: DatabaseCopy,
    type: BackupType,
    device: string,
    startedAt: number,
    isVdi = false,
  ): BackupSet {
    const from = type === 'L' ? copy.log.backedUpTo : copy.log.end;
    if (type === 'L') {
      copy.log.backedUpTo = copy.log.end;
      copy.chainFrom = copy.log.end;
      copy.log.truncate();
    }
    const bytes = type === 'L' ? copy.log.end - from : copy.dataBytes;
    const request = { device, userName: instance.managed ? 'AzureBackup' : 'sa', copyOnly: isVdi };
    return this.record(instance, copy, type, request, startedAt, from, bytes, copy.log.end, isVdi);
  }

  backgroundRequests(instance: MutableInstance): readonly BackgroundRequest[] {
    return this.running.get(key(instance.name)) ?? [];
  }

  private checked(instanceName: string, database: string, verb: 'DATABASE' | 'LOG', request: BackupRequest) {
    const instance = instanceOf(this.state, instanceName);
    const copy = instance.databases.get(key(database));
    if (!copy) throw refusals.backupFailed(verb, refusals.databaseMissing(database));
    const refusal = this.refusalOf(instance, copy, verb, request);
    if (refusal) throw refusals.backupFailed(verb, refusal);
    settleCopy(this.state, copy);
    return { instance, copy };
  }

  private refusalOf(
    instance: MutableInstance,
    copy: DatabaseCopy,
    verb: 'DATABASE' | 'LOG',
    request: BackupRequest,
  ): SqlError | undefined {
    if (instance.managed && verb === 'LOG') return refusals.unsupportedOnManaged('BACKUP LOG');
    if (instance.managed && request.copyOnly !== true) return refusals.copyOnlyOnManaged(copy.name);
    if (copy.state !== 'ONLINE') return readRefusal(instance, copy, true);
    const role = roleOf(instance, copy);
    if (role === 'RESOLVING') return refusals.resolving(copy.name);
    return role === 'SECONDARY' && request.copyOnly !== true ? refusals.backupOnSecondary() : undefined;
  }

  private holdLog(copy: DatabaseCopy) {
    const start = copy.log.end;
    const hold = {
      reason: 'ACTIVE_BACKUP_OR_RESTORE' as const,
      position: () => Math.min(start, copy.log.end),
    };
    copy.log.holds.add(hold);
    return hold;
  }

  private async takeTime(
    command: string,
    instance: MutableInstance,
    copy: DatabaseCopy,
    bytes: number,
    request: BackupRequest,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const total = Math.max(MINIMUM_MS, (bytes / this.state.rates.backupRate) * 1000);
    const running: Mutable<BackgroundRequest> = {
      sessionId: this.nextSession++,
      command,
      databaseId: copy.databaseId,
      startedAt: this.state.clock.now(),
      percentComplete: 0,
    };
    const list = this.running.get(key(instance.name)) ?? [];
    this.running.set(key(instance.name), [...list, running]);
    try {
      // Ten steps give STATS its percents without ticking.
      for (let step = 1; step <= 10; step += 1) {
        await this.state.clock.sleep(total / 10, signal);
        if (instance.state !== 'running') throw refusals.serverShutdown();
        running.percentComplete = step * 10;
        request.onPercent?.(step * 10);
      }
    } finally {
      const left = this.running.get(key(instance.name)) ?? [];
      this.running.set(
        key(instance.name),
        left.filter((one) => one !== running),
      );
    }
  }

  private record(
    instance: MutableInstance,
    copy: DatabaseCopy,
    type: BackupType,
    request: BackupRequest,
    startedAt: number,
    from: number,
    bytes: number,
    to = copy.log.end,
    isVdi = false,
  ): BackupSet {
    const { log } = copy;
    const lastFull = instance.backups.findLast(
      (one) => key(one.databaseName) === key(copy.name) && one.type === 'D' && !one.copyOnly,
    );
    const compressed = request.compression === true || instance.managed !== undefined;
    const backup: BackupSet = {
      backupSetId: instance.backups.length + 1,
      databaseName: copy.name,
      serverName: instance.serverName,
      type,
      copyOnly: request.copyOnly === true,
      startedAt,
      finishedAt: this.state.clock.now(),
      firstLsn: log.lsn(from),
      lastLsn: log.lsn(to),
      checkpointLsn: log.lsn(from),
      databaseBackupLsn: lastFull?.checkpointLsn ?? 0n,
      backupSizeBytes: Math.ceil(bytes),
      compressedSizeBytes: Math.ceil(bytes * (compressed ? this.state.rates.backupCompression : 1)),
      device: request.device,
      ...(request.name === undefined ? {} : { name: request.name }),
      userName: request.userName,
      recoveryModel: copy.options.recoveryModel,
      isVdi,
    };
    instance.backups.push(backup);
    if (type === 'D' && !backup.copyOnly && copy.options.recoveryModel !== 'SIMPLE') beginChain(copy, from);
    writeErrorLog(
      this.state,
      instance,
      'Backup',
      `${type === 'L' ? 'Log was' : 'Database'} backed up. Database: ${copy.name}, device: ${request.device}.`,
    );
    return backup;
  }
}

/** The first full backup under FULL begins the log chain: from then on only log backups free the log (1475, 4214). */
function beginChain(copy: DatabaseCopy, from: number): void {
  if (copy.chainFrom !== undefined) return;
  copy.chainFrom = from;
  copy.log.backedUpTo = from;
  copy.log.keepsChain = true;
}
