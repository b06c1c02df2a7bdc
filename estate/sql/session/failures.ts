/** What an error does: to its statement, the batch, the transaction, and to TRY ... CATCH. */
import { SqlError, type SqlErrors } from '../errors';
import type { CaughtError } from '../query/environment';
import type { Statement } from '../syntax/ast';
import { errorsOf, isSqlError, sendErrors } from './output';
import { type Flow, type RunContext, runStatements } from './runner';
import { abandonTransaction } from './transactions';

/** Conversion and overflow errors of values: they end the batch and roll the transaction back. */
const ABORT_AND_ROLL_BACK = new Set([241, 242, 244, 245, 248, 1205, 8114, 8169]);

/**
 * Names that cannot be resolved when a statement runs end the batch, as missing variables and functions do;
 * CATCH of the same batch does not see them ("TRY...CATCH", errors unaffected).
 */
const UNRESOLVED = new Set([137, 195, 207, 208, 209, 1087, 4104, 4121, 8120, 147]);
const ABORT = new Set([...UNRESOLVED, 2812, 3930, 7202]);

/** Errors that already know their line: the statement inside dynamic SQL, not the EXEC around it. */
const PLACED = new WeakSet<SqlError>();

/** Raised by THROW: ends the batch whatever its number. */
const THROWN = new WeakSet<SqlError>();

export const markThrown = (error: SqlError): SqlError => {
  THROWN.add(error);
  return error;
};

/** Raised by RAISERROR: SET XACT_ABORT does not hold for it ("THROW", remarks: "RAISERROR does not"). */
const RAISED = new WeakSet<SqlError>();

export const markRaised = (error: SqlError): SqlError => {
  RAISED.add(error);
  return error;
};

/** RAISERROR takes numbers from here on (2732). */
const FIRST_RAISED = 13_000;

/**
 * Procedures of the product are T-SQL, and raise their own errors by RAISERROR, then RETURN(1). Which of the numbers an
 * extended procedure raises otherwise is not documented (inferred).
 */
export function markRaisedByProcedure(problem: unknown): unknown {
  if (!isSqlError(problem)) return problem;
  for (const one of errorsOf(problem)) if (one.number >= FIRST_RAISED) RAISED.add(one);
  return problem;
}

/** @throws the error again when the batch ends with it, or a CATCH block shall have it. */
export async function handleError(
  problem: unknown,
  statement: Statement,
  context: RunContext,
): Promise<void> {
  const error = asSqlError(problem);
  if (error === undefined) throw problem;
  place(error, statement);
  const { state } = context;
  const last = errorsOf(error).at(-1);
  state.lastError = last?.number ?? 0;
  state.rowCount = 0;
  const numbers = errorsOf(error).map((one) => one.number);
  const isRaised = errorsOf(error).every((one) => RAISED.has(one));
  const severe = numbers.some((number) => ABORT_AND_ROLL_BACK.has(number));
  const rollsBack = severe || (state.options.xactAbort && !isRaised);
  if (context.inTry) {
    // Within TRY also an error of RAISERROR dooms the transaction under XACT_ABORT (inferred).
    if ((rollsBack || state.options.xactAbort) && state.transaction !== undefined)
      state.transaction.doomed = true;
    throw error;
  }
  const fatal = errorsOf(error).some((one) => one.severity >= 20 || THROWN.has(one));
  const aborts = rollsBack || fatal || numbers.some((number) => ABORT.has(number));
  if (rollsBack || errorsOf(error).some((one) => one.severity >= 20)) abandonTransaction(context);
  if (aborts) throw error;
  sendErrors(context.output, error);
}

function place(error: SqlError | SqlErrors, statement: Statement): void {
  for (const one of errorsOf(error)) {
    if (PLACED.has(one)) continue;
    PLACED.add(one);
    if (one.line === 1) one.line = statement.line;
  }
}

/** Recursion without end shows as a full JavaScript stack. */
function asSqlError(problem: unknown): SqlError | SqlErrors | undefined {
  if (isSqlError(problem)) return problem;
  if (!(problem instanceof RangeError) || !problem.message.includes('call stack')) return undefined;
  return new SqlError(
    8631,
    'Internal error: Server stack limit has been reached. Please look for potentially deep nesting in your query, and try to simplify it.',
    { severity: 17 },
  );
}

export async function runCatch(
  statement: Extract<Statement, { kind: 'try' }>,
  context: RunContext,
): Promise<Flow> {
  try {
    return await runStatements(statement.body, { ...context, inTry: true });
  } catch (problem) {
    if (!isSqlError(problem) || !catchable(problem)) throw problem;
    return runHandler(statement, problem, context);
  }
}

/** Severity 20 and above ends the session; unresolved names of the same batch pass by. */
function catchable(error: SqlError | SqlErrors): boolean {
  return errorsOf(error).every(
    (one) => one.severity < 20 && (NESTED.has(one) || !UNRESOLVED.has(one.number)),
  );
}

/** Errors that came out of EXEC: CATCH around the EXEC sees them whatever their number. */
const NESTED = new WeakSet<SqlError>();

export function markNested(problem: unknown): unknown {
  if (isSqlError(problem)) for (const one of errorsOf(problem)) NESTED.add(one);
  return problem;
}

async function runHandler(
  statement: Extract<Statement, { kind: 'try' }>,
  error: SqlError | SqlErrors,
  context: RunContext,
): Promise<Flow> {
  const { state } = context;
  const before = state.caught;
  state.caught = caughtFrom(error);
  try {
    return await runStatements(statement.handler, context);
  } finally {
    state.caught = before;
  }
}

/** CATCH sees the last of several errors (BACKUP's 3013, not 3201). */
function caughtFrom(error: SqlError | SqlErrors): CaughtError {
  const last = errorsOf(error).at(-1) ?? new SqlError(50_000, error.message);
  const { number, message, severity, state, line, procedure } = last;
  return { number, message, severity, state, line, procedure };
}
