import type { Statement } from '../model/statement';
import { integerLiteral } from './quote';
import { statement } from './statement';

/** Sets a global trace flag until the next restart. @param flag for example 12381 (keeps the log that seeding needs) */
export const setTraceFlag = (flag: number): Statement =>
  statement('set-trace-flag', `DBCC TRACEON (${integerLiteral(flag)}, -1);`);

export const clearTraceFlag = (flag: number): Statement =>
  statement('clear-trace-flag', `DBCC TRACEOFF (${integerLiteral(flag)}, -1);`);
