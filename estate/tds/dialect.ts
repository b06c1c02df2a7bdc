/**
 * What differs between the versions of TDS that a client may ask for (MS-TDS 2.2.6.4 TDSVersion, 2.2.7.14 LOGINACK).
 * TDS 8.0 is TDS 7.4 with the encryption moved in front of it.
 */
import { ProtocolError } from './bytes';

export interface TdsDialect {
  readonly name: '7.1' | '7.2' | '7.3' | '7.4' | '8.0';
  /** Value put in LOGINACK, big-endian there. */
  readonly ackVersion: number;
  /** Requests begin with ALL_HEADERS, user types and row counts are wide, max types and xml exist (7.2). */
  readonly atLeast72: boolean;
  /** date, time, datetime2 and datetimeoffset exist (7.3A). */
  readonly newDates: boolean;
  /** Rows may be null-bitmap compressed (7.3B). */
  readonly nbcRow: boolean;
}

const TDS_71: TdsDialect = {
  name: '7.1',
  ackVersion: 0x71000001,
  atLeast72: false,
  newDates: false,
  nbcRow: false,
};
const TDS_72: TdsDialect = {
  name: '7.2',
  ackVersion: 0x72090002,
  atLeast72: true,
  newDates: false,
  nbcRow: false,
};
const TDS_73A: TdsDialect = {
  name: '7.3',
  ackVersion: 0x730a0003,
  atLeast72: true,
  newDates: true,
  nbcRow: false,
};
const TDS_73B: TdsDialect = {
  name: '7.3',
  ackVersion: 0x730b0003,
  atLeast72: true,
  newDates: true,
  nbcRow: true,
};
export const TDS_74: TdsDialect = {
  name: '7.4',
  ackVersion: 0x74000004,
  atLeast72: true,
  newDates: true,
  nbcRow: true,
};
const TDS_80: TdsDialect = { ...TDS_74, name: '8.0', ackVersion: 0x08000000 };

/** @param version TDSVersion of LOGIN7. @throws ProtocolError for versions without collations (7.0 and older) */
export function negotiateDialect(version: number): TdsDialect {
  if (version === TDS_80.ackVersion) return TDS_80;
  switch (version >>> 24) {
    case 0x71:
      return TDS_71;
    case 0x72:
      return TDS_72;
    case 0x73:
      return ((version >>> 16) & 0xff) >= 0x0b ? TDS_73B : TDS_73A;
    default:
      if (version >>> 24 >= 0x74) return TDS_74;
      throw new ProtocolError(`TDS version 0x${version.toString(16)} is not supported`);
  }
}
