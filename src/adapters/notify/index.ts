/** Tells a person: a line in the log, and a web hook where one is set. A failing notifier never fails a run. */
import type { Notification, NotifierPort } from '../../ports/notifier';
import { postWebhook } from './webhook';

export interface NotifierOptions {
  /** Writes one line of the log. */
  readonly log: (line: string) => void;
  /** https URL that takes a POST with the notification as JSON. Its path or query may be a secret: it is never shown. */
  readonly webhook?: string;
  /** Milliseconds; default 10,000. */
  readonly timeoutMs?: number;
  /** PEM authorities that replace the usual roots, for a receiver of your own. */
  readonly ca?: string;
}

const TIMEOUT_MS = 10_000;

/** @throws Error when the web hook is no https URL. */
export function createNotifier(options: NotifierOptions): NotifierPort {
  const { webhook } = options;
  const url = webhook === undefined ? undefined : parseWebhook(webhook);
  return {
    notify: async (notification) => {
      options.log(toLine(notification));
      if (url === undefined) return;
      const target = { url, timeoutMs: options.timeoutMs ?? TIMEOUT_MS, ca: options.ca };
      try {
        await postWebhook(target, notification);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        options.log(`the notification ${notification.code} did not reach the web hook: ${reason}`);
      }
    },
  };
}

function parseWebhook(webhook: string): URL {
  const url = URL.canParse(webhook) ? new URL(webhook) : undefined;
  if (url?.protocol !== 'https:') throw new Error('the web hook must be an https URL');
  return url;
}

const toLine = ({ severity, code, workflowId, title, message, nextStep }: Notification): string =>
  `${severity.toUpperCase()} [${code}] ${workflowId}: ${title}. ${message} Next step: ${nextStep}`;
