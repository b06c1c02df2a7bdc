import type { Reaction } from '../../model/failure';
import { AzureFailure, SecretFailure, SettingFailure, SqlServerFailure } from '../../ports/failures';
import { classify } from '../../rules/errors/classify';
import { QuotingError } from '../../tsql/quote';
import { RowShapeError } from '../../tsql/rows';
import { FactMissing, NeedsPerson, NotYet } from './failures';
import { StepNotSettled } from './run-step';

/** A failure as it leaves an activity: code of the catalogue, cause, evidence, next step. */
export interface DescribedFailure {
  readonly code: string;
  readonly message: string;
  readonly reaction: Reaction;
  readonly remedy: string;
  readonly evidence: string;
  readonly source: string;
}

/** Turns anything that an activity throws into one clear answer. Never holds a secret: the adapters saw to that. */
export function describeFailure(error: unknown): DescribedFailure {
  if (error instanceof SqlServerFailure || error instanceof AzureFailure) return classified(error);
  if (error instanceof NeedsPerson) {
    return own(error.code, error.message, 'needs-person', error.remedy);
  }
  if (error instanceof SecretFailure) {
    return own(
      'SecretUnreadable',
      error.message,
      'needs-person',
      `make ${error.reference} readable for the process that connects`,
    );
  }
  if (error instanceof SettingFailure) {
    const remedy = `correct ${error.setting} in the inventory, or the file that it names, on the machine of the worker`;
    return own('SettingUnusable', error.message, 'needs-person', remedy);
  }
  // The same text would be refused, and the same row come, each time.
  if (error instanceof QuotingError) {
    const remedy = 'correct the name or the path that the message means: no statement can be made of it';
    return own('NotQuotable', error.message, 'needs-person', remedy);
  }
  if (error instanceof RowShapeError) {
    const remedy =
      'report it with the version of the server: its catalog answers in a way that is not known here';
    return own('RowNotUnderstood', error.message, 'needs-person', remedy);
  }
  if (error instanceof NotYet) return own(error.code, error.message, 'retry', 'it is looked at again');
  if (error instanceof StepNotSettled)
    return own('StepNotSettled', error.message, 'retry', 'it is looked at again');
  if (error instanceof FactMissing) {
    return own(
      'FactMissing',
      error.message,
      'retry',
      'check the permissions of the login: VIEW SERVER STATE',
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  return own('Unexpected', message, 'retry', 'if it stays, report it with the log of the worker');
}

/** A failure that passes by itself. @throws the error, when a person must act or the activity was cancelled */
export function whatPasses(error: unknown, signal: AbortSignal): DescribedFailure {
  const failure = describeFailure(error);
  if (signal.aborted || failure.reaction === 'needs-person') throw error;
  return failure;
}

function classified(error: SqlServerFailure | AzureFailure): DescribedFailure {
  const { entry, evidence } = classify(error);
  return {
    code: entry.code,
    message: said(entry.meaning, error),
    reaction: entry.reaction,
    remedy: entry.remedy,
    evidence,
    source: entry.source,
  };
}

/** Who, what it means, and then the words of the server: `SQL1: The server refused the login: ... Login failed ...`. */
function said(meaning: string, error: SqlServerFailure | AzureFailure): string {
  const isSql = error instanceof SqlServerFailure;
  const [who, request] = isSql ? [error.server, error.statementId] : ['Azure', error.operation];
  const prefix = isSql ? `${who}: ${request}: ` : `${request}: `;
  const words = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
  const during = request === 'connect' ? '' : ` (${request})`;
  return `${who}: ${meaning} ${words}${during}`;
}

const own = (code: string, message: string, reaction: Reaction, remedy: string): DescribedFailure => ({
  code,
  message,
  reaction,
  remedy,
  evidence: message,
  source: 'sqlferry',
});
