/** Tells a person. Delivery is at least once; a failing notifier never fails a run. */
export interface Notification {
  readonly severity: 'info' | 'warning' | 'critical';
  /** Stable id of the reason, for example `log-backup.alarm`. */
  readonly code: string;
  readonly workflowId: string;
  readonly title: string;
  readonly message: string;
  readonly nextStep: string;
}

export interface NotifierPort {
  notify(notification: Notification): Promise<void>;
}
