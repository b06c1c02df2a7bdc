/** Exit codes of `sqlferry`, for scripts. Documented in docs/command-line.md. */
export const EXIT = {
  ok: 0,
  /** The run or the command failed. */
  failed: 1,
  /** Wrong arguments, or a spec file with mistakes. Nothing was asked of anybody. */
  usage: 2,
  /** Refused: preflight blockers, a request that the run answers with reasons, a question answered with no. */
  refused: 3,
  /** Temporal, an instance or Azure cannot be reached, or no worker answers. */
  unreachable: 4,
  /** There is no such migration. */
  notFound: 5,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
