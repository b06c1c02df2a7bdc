export class NoSuchMigration extends Error {
  override readonly name = 'NoSuchMigration';
  constructor(readonly migration: string) {
    super(`there is no migration "${migration}"; sqlferry list shows those that there are`);
  }
}

export class StillRunning extends Error {
  override readonly name = 'StillRunning';
  constructor(readonly migration: string) {
    super(`a migration "${migration}" runs already; look at it with: sqlferry status ${migration}`);
  }
}

export class NoWorkerAnswers extends Error {
  override readonly name = 'NoWorkerAnswers';
  constructor(
    readonly migration: string,
    readonly taskQueue: string,
    cause: unknown,
  ) {
    super(
      `no worker of task queue "${taskQueue}" answered for "${migration}"; start one with: sqlferry worker ` +
        `(nothing is lost meanwhile)`,
      { cause },
    );
  }
}
