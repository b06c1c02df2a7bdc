/** What the simulated server needs of the engine. */

export { MemoryTableStore } from './session/memory-store';
export type { SessionOutput } from './session/output';
export { type ProcedureResult, SqlSession } from './session/session';
export { tokenize } from './syntax/tokenizer';
