/**
 * What a long wait tells the people who look at it. It travels in heartbeat details, so that history does not
 * grow with waiting; the client reads it from the description of the workflow.
 */
export interface Progress {
  readonly version: 1;
  /** Name of the wait, for example `seeding`. */
  readonly activity: string;
  /** Why it is waiting, one sentence. */
  readonly waitingFor: string;
  readonly observedAt: string;
  readonly percent?: number;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
  readonly bytesPerSecond?: number;
  readonly etaMs?: number;
  readonly lagSeconds?: number;
  readonly logUsedPercent?: number;
  /** The log of the SQL Server while it leads. */
  readonly log?: LogSpace;
  /** What each site says that it is: PRIMARY, SECONDARY ...; null where it does not answer. */
  readonly roles?: { readonly server: string | null; readonly instance: string | null };
  /** Further labelled values for people, such as `log send queue`. */
  readonly details?: Readonly<Record<string, string>>;
}

/** Room in a transaction log, by the look whose time stands beside it. */
export interface LogSpace {
  readonly usedPercent: number;
  readonly sizeBytes: number;
  /** 0 when it does not grow; null when that is not known yet. */
  readonly growthBytesPerSecond: number | null;
  /** Milliseconds until it is full at that growth, if the file cannot grow; null when it does not grow. */
  readonly fullInMs: number | null;
  /** sys.databases.log_reuse_wait_desc: what keeps the log from being reused. */
  readonly reuseWait: string;
}
