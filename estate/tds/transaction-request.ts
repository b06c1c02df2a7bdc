/** Transaction Manager requests, MS-TDS 2.2.6.9: how drivers begin and end transactions without T-SQL. */
import { SqlError } from '../sql/errors';
import type { IsolationLevel, TransactionRequest } from './backend';
import { ByteReader, ProtocolError } from './bytes';

const Request = {
  getDtcAddress: 0,
  propagate: 1,
  begin: 5,
  promote: 6,
  commit: 7,
  rollback: 8,
  save: 9,
} as const;

const ISOLATION_LEVELS: readonly (IsolationLevel | undefined)[] = [
  undefined, // 0: the session's level stays
  'read uncommitted',
  'read committed',
  'repeatable read',
  'serializable',
  'snapshot',
];

/** Commit and rollback may ask for a new transaction at once. */
const BEGIN_ANOTHER = 0x01;

/** @returns the steps in order. @throws ProtocolError; SqlError for distributed transactions, which there are none of */
export function parseTransactionRequest(body: Buffer): TransactionRequest[] {
  const reader = new ByteReader(body);
  const request = reader.u16();
  switch (request) {
    case Request.begin:
      return [readBegin(reader)];
    case Request.commit:
      reader.bVarbyteText();
      return [{ kind: 'commit' }, ...readFollowing(reader)];
    case Request.rollback:
      return [withName('rollback', reader.bVarbyteText()), ...readFollowing(reader)];
    case Request.save:
      return [{ kind: 'save', name: reader.bVarbyteText() }];
    case Request.getDtcAddress:
    case Request.propagate:
    case Request.promote:
      throw new SqlError(8501, 'MSDTC on server is unavailable.', { state: 3 });
    default:
      throw new ProtocolError(`transaction manager request ${request}`);
  }
}

function readBegin(reader: ByteReader): TransactionRequest {
  const isolationLevel = ISOLATION_LEVELS[reader.u8()];
  const begin = withName('begin', reader.bVarbyteText());
  return isolationLevel === undefined ? begin : { ...begin, isolationLevel };
}

function readFollowing(reader: ByteReader): TransactionRequest[] {
  if (reader.atEnd || (reader.u8() & BEGIN_ANOTHER) === 0) return [];
  return [readBegin(reader)];
}

function withName<K extends 'begin' | 'rollback'>(kind: K, name: string): { kind: K; name?: string } {
  return name === '' ? { kind } : { kind, name };
}
