/** ALL_HEADERS, MS-TDS 2.2.5.3: in front of every batch, RPC and transaction request since TDS 7.2. */
import { ByteReader, ProtocolError } from './bytes';
import type { TdsDialect } from './dialect';

const TOTAL_LENGTH_BYTES = 4;
/** Length and type of one header. */
const MIN_HEADER = 6;

/** The request after its headers. @throws ProtocolError when the headers do not add up */
export function stripHeaders(data: Buffer, dialect: TdsDialect): Buffer {
  if (!dialect.atLeast72) return data;
  const reader = new ByteReader(data);
  const total = reader.u32();
  if (total < TOTAL_LENGTH_BYTES) throw new ProtocolError(`ALL_HEADERS of ${total} bytes`);
  const headers = new ByteReader(reader.bytes(total - TOTAL_LENGTH_BYTES));
  while (!headers.atEnd) {
    const length = headers.u32();
    if (length < MIN_HEADER) throw new ProtocolError(`header of ${length} bytes`);
    headers.bytes(length - 4);
  }
  return data.subarray(total);
}
