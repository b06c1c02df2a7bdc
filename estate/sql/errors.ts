/**
 * A server message with its number, as SQL Server would send it: class (severity) 11 and above is an error,
 * 20 and above also ends the session.
 */
export class SqlError extends Error {
  override readonly name = 'SqlError';
  readonly number: number;
  readonly severity: number;
  readonly state: number;
  line: number;
  procedure: string;

  constructor(
    number: number,
    message: string,
    options: { severity?: number; state?: number; line?: number; procedure?: string } = {},
  ) {
    super(message);
    this.number = number;
    this.severity = options.severity ?? 16;
    this.state = options.state ?? 1;
    this.line = options.line ?? 1;
    this.procedure = options.procedure ?? '';
  }
}

/** Several errors for one statement, the cause first (for example 3201 and then 3013 for BACKUP). */
export class SqlErrors extends Error {
  override readonly name = 'SqlErrors';
  constructor(readonly errors: readonly SqlError[]) {
    super(errors.map((error) => `${error.number}: ${error.message}`).join('; '));
  }
}
