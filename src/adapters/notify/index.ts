/**
 * Tells a person: a line in the log, and a web hook where one is set. What did not reach the web hook has not been told:
 * whoever asked asks again.
 */
import type { Clock } from '../../ports/clock';
import type { Notification, NotifierPort } from '../../ports/notifier';
import { postWebhook } from './webhook';

export interface NotifierOptions {
  readonly clock: Clock;
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

/** Notifications that are remembered until the web hook takes them; more of them only repeat their line of the log. */
const REMEMBERED = 1_000;

/** @throws Error when the web hook is no https URL. */
export function createNotifier(options: NotifierOptions): NotifierPort {
  const { log, webhook } = options;
  const url = webhook === undefined ? undefined : parseWebhook(webhook);
  if (url === undefined) return { notify: async (notification) => log(toLine(notification)) };
  const target = { url, clock: options.clock, timeoutMs: options.timeoutMs ?? TIMEOUT_MS, ca: options.ca };
  const logged = new Set<string>();
  return {
    notify: async (notification) => {
      const line = toLine(notification);
      const isFirst = !logged.has(line);
      if (isFirst) {
        if (logged.size >= REMEMBERED) logged.clear();
        logged.add(line);
        log(line);
      }
      try {
        await postWebhook(target, notification);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const failure = `the notification ${notification.code} did not reach the web hook: ${reason}`;
        if (isFirst) log(`${failure}; it is tried again`);
        throw new Error(failure);
      }
      logged.delete(line);
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
