/** System types with the ids of sys.types. */
import type { SqlType } from '../sql/types';

export interface SystemType {
  readonly name: string;
  readonly id: number;
  readonly userTypeId?: number;
  readonly maxLength: number;
  readonly precision: number;
  readonly scale: number;
  readonly character: boolean;
}

const entry = (
  name: string,
  id: number,
  maxLength: number,
  precision = 0,
  scale = 0,
  character = false,
): SystemType => ({ name, id, maxLength, precision, scale, character });

export const systemTypes: readonly SystemType[] = [
  entry('image', 34, 16),
  entry('text', 35, 16, 0, 0, true),
  entry('uniqueidentifier', 36, 16),
  entry('date', 40, 3, 10),
  entry('time', 41, 5, 16, 7),
  entry('datetime2', 42, 8, 27, 7),
  entry('datetimeoffset', 43, 10, 34, 7),
  entry('tinyint', 48, 1, 3),
  entry('smallint', 52, 2, 5),
  entry('int', 56, 4, 10),
  entry('smalldatetime', 58, 4, 16),
  entry('real', 59, 4, 24),
  entry('money', 60, 8, 19, 4),
  entry('datetime', 61, 8, 23, 3),
  entry('float', 62, 8, 53),
  entry('sql_variant', 98, 8016),
  entry('ntext', 99, 16, 0, 0, true),
  entry('bit', 104, 1, 1),
  entry('decimal', 106, 17, 38, 38),
  entry('numeric', 108, 17, 38, 38),
  entry('smallmoney', 122, 4, 10, 4),
  entry('bigint', 127, 8, 19),
  entry('varbinary', 165, 8000),
  entry('varchar', 167, 8000, 0, 0, true),
  entry('binary', 173, 8000),
  entry('char', 175, 8000, 0, 0, true),
  entry('timestamp', 189, 8),
  entry('nvarchar', 231, 8000, 0, 0, true),
  { ...entry('sysname', 231, 256, 0, 0, true), userTypeId: 256 },
  entry('nchar', 239, 8000, 0, 0, true),
  entry('xml', 241, -1),
];

const decimalBytes = (precision: number): number =>
  precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17;

/** sys.columns' facts of a column type. */
export const typeFacts = (type: SqlType): SystemType => {
  const found = systemTypes.find((candidate) => candidate.name === type.kind) ?? entry(type.kind, 0, 0);
  switch (type.kind) {
    case 'decimal':
      return {
        ...found,
        maxLength: decimalBytes(type.precision),
        precision: type.precision,
        scale: type.scale,
      };
    case 'char':
    case 'varchar':
    case 'binary':
    case 'varbinary':
      return { ...found, maxLength: type.length === 'max' ? -1 : type.length };
    case 'nchar':
    case 'nvarchar':
      return { ...found, maxLength: type.length === 'max' ? -1 : type.length * 2 };
    case 'time':
    case 'datetime2':
    case 'datetimeoffset':
      return { ...found, scale: type.scale };
    case 'bit':
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'real':
    case 'float':
    case 'money':
    case 'smallmoney':
    case 'text':
    case 'ntext':
    case 'image':
    case 'xml':
    case 'uniqueidentifier':
    case 'date':
    case 'datetime':
    case 'smalldatetime':
    case 'sql_variant':
      return found;
  }
};
