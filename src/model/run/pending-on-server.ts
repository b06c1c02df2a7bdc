/**
 * What a step has still to do on a server that does not answer. Whoever performs steps remembers it, tells it, and does
 * it once the server answers: nobody waits for that server meanwhile.
 */
export interface PendingOnServer {
  /** Name in the inventory. */
  readonly server: string;
  /** Logins of the fence that may be disabled there. */
  readonly logins: readonly string[];
  /** What a person would send there by hand. */
  readonly statement: string;
}
