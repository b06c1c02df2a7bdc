/** What the simulated server needs of the engine. */
export { SqlSession, type ProcedureResult } from './session/session';
export { MemoryTableStore } from './session/memory-store';
export type { SessionOutput } from './session/output';
export { tokenize } from './syntax/tokenizer';
