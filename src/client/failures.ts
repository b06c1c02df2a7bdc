export class NoSuchRun extends Error {
  override readonly name = 'NoSuchMigration';
  constructor(readonly migration: string) {
    super(`there is no migration "${migration}"; sqlferry list shows those that there are`);
  }
}

export class RunIsOver extends Error {
  override readonly name = 'RunIsOver';
  constructor(readonly migration: string) {
    super(`the run of "${migration}" is over; look at it with: sqlferry status ${migration}`);
  }
}

export class StillRunning extends Error {
  override readonly name = 'StillRunning';
  constructor(readonly migration: string) {
    super(`a migration "${migration}" runs already; look at it with: sqlferry status ${migration}`);
  }
}

/** The run did not take a request, or what it takes is shaped in another way. */
export class RequestRejected extends Error {
  override readonly name = 'RequestRejected';
  constructor(
    readonly migration: string,
    readonly reason: string,
  ) {
    super(`the run of "${migration}" did not take this request: ${reason}`);
  }
}

/** A worker is there, but the run cannot say how it stands. */
export class RunCannotAnswer extends Error {
  override readonly name = 'RunCannotAnswer';
  constructor(
    readonly migration: string,
    readonly reason: string,
  ) {
    super(`the run of "${migration}" cannot answer: ${reason}; look at the log of the worker`);
  }
}

export class NoWorkerAnswers extends Error {
  override readonly name = 'NoWorkerAnswers';
  constructor(
    readonly migration: string,
    readonly taskQueue: string,
    cause: unknown,
    consequence = 'nothing is lost meanwhile',
  ) {
    super(
      `no worker of task queue "${taskQueue}" answered for "${migration}"; start one with: sqlferry worker ` +
        `(${consequence})`,
      { cause },
    );
  }
}
