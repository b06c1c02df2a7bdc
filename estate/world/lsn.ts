/**
 * Log sequence numbers. The simulation counts log bytes; an LSN is a pure, monotonic function of that position in SQL
 * Server's numeric(25,0) form: VLF sequence number x 10^15 + log block x 10^5 + slot (blocks count in 512-byte
 * sectors from the start of the VLF, whose first 8 KB are its header).
 */
import type { Lsn } from './model';

export const LOG_BLOCK = 512;
const VLF_HEADER_BLOCKS = 16;

export interface LogFormat {
  readonly vlfBytes: number;
  /** Sequence number of the VLF that holds position 0. */
  readonly firstVlf: number;
}

/** LSN of the log block at this byte position. */
export function lsnAt(format: LogFormat, position: number): Lsn {
  const vlf = Math.floor(position / format.vlfBytes);
  const block = Math.floor((position - vlf * format.vlfBytes) / LOG_BLOCK) + VLF_HEADER_BLOCKS;
  return BigInt(format.firstVlf + vlf) * 1_000_000_000_000_000n + BigInt(block) * 100_000n + 1n;
}
