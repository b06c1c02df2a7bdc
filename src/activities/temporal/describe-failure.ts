import type { Reaction } from '../../model/failure';
import { AzureFailure, SecretFailure, SqlServerFailure } from '../../ports/failures';
import { classify } from '../../rules/errors/classify';
import { FactMissing, NeedsPerson, NotYet } from '../failures';
import { StepNotSettled } from '../steps/run-step';

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
      `make ${error.reference} readable for the worker`,
    );
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

function classified(error: SqlServerFailure | AzureFailure): DescribedFailure {
  const { entry, evidence } = classify(error);
  return {
    code: entry.code,
    message: `${entry.meaning} (${error.message})`,
    reaction: entry.reaction,
    remedy: entry.remedy,
    evidence,
    source: entry.source,
  };
}

const own = (code: string, message: string, reaction: Reaction, remedy: string): DescribedFailure => ({
  code,
  message,
  reaction,
  remedy,
  evidence: message,
  source: 'sqlferry',
});
