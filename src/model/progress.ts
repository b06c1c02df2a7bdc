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
  /** Further labelled values for people, such as `log send queue`. */
  readonly details?: Readonly<Record<string, string>>;
}
