/** A fact that every supported server reports was not reported. */
export class FactMissing extends Error {
  override readonly name = 'FactMissing';
  constructor(server: string, fact: string) {
    super(`${server} did not report ${fact}`);
  }
}

/** Something only a person can change; trying again before that is useless. */
export class NeedsPerson extends Error {
  override readonly name = 'NeedsPerson';
  constructor(
    readonly code: string,
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

/** Not yet as it should be; passes by itself. */
export class NotYet extends Error {
  override readonly name = 'NotYet';
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}
