import { SqlError } from '../errors';
import { coerce } from '../query/compile';
import type { Compiled } from '../query/environment';
import { SqlDateTime, SqlDateTimeOffset, type SqlType } from '../types';
import { datetime2, nvarchar } from '../values/typing';
import { strictCall } from './define';

/** `x AT TIME ZONE 'UTC'`: the estate's servers run in UTC and know no other zone. @throws SqlError 9820 */
export function atTimeZone(value: Compiled, zone: Compiled): Compiled {
  const type: SqlType = {
    kind: 'datetimeoffset',
    scale: 'scale' in value.type && value.type.kind !== 'decimal' ? value.type.scale : 3,
  };
  const moment = value.type.kind === 'datetimeoffset' ? value : coerce(value, datetime2(7));
  return strictCall([moment, coerce(zone, nvarchar(128))], type, (at, name) => {
    if (String(name).toUpperCase() !== 'UTC') {
      throw new SqlError(
        9820,
        `The time zone parameter '${String(name)}' provided to AT TIME ZONE clause is invalid.`,
      );
    }
    if (at instanceof SqlDateTimeOffset) return new SqlDateTimeOffset(at.utcTicks, 0);
    return at instanceof SqlDateTime ? new SqlDateTimeOffset(at.ticks, 0) : null;
  });
}
