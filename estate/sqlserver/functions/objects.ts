/** Functions about tables and their columns that tools script objects with. */
import type { TypedValue } from '../../sql/host';
import type { StoredTable } from '../../sql/storage';
import { SqlDecimal } from '../../sql/types';
import { type SessionContext, sameName } from '../context';
import { catalogStore } from '../stores';
import { typeFacts } from '../system-types';
import { asNumber, asText, intValue, textValue } from '../values';
import { keyOf, tableObjectId, tablesOf } from '../views/table-facts';
import { splitName } from './names';

type Arguments = readonly TypedValue[];
type Implementation = (context: SessionContext, args: Arguments) => TypedValue;

const tableById = (context: SessionContext, args: Arguments): StoredTable | undefined => {
  const id = asNumber(args[0]?.value);
  return tablesOf(context, context.database).find((table) => tableObjectId(table) === id);
};

const tableByName = (context: SessionContext, args: Arguments): StoredTable | undefined => {
  const name = splitName(asText(args[0]?.value) ?? '');
  if (name === undefined) return undefined;
  return catalogStore(context, name.database ?? context.database)?.table(name.schema ?? 'dbo', name.object);
};

const objectProperty: Implementation = (context, args) => {
  const table = tableById(context, args);
  if (table === undefined) return intValue(null);
  const { columns } = table.definition;
  const flag = (value: boolean): TypedValue => intValue(value ? 1 : 0);
  switch (asText(args[1]?.value)?.toLowerCase()) {
    case 'istable':
    case 'isusertable':
    case 'isansinullson':
    case 'isquotedidenton':
      return flag(true);
    case 'tablehasidentity':
      return flag(columns.some((column) => column.identity !== undefined));
    case 'tablehasprimarykey':
    case 'tablehasclustindex':
    case 'tablehasindex':
      return flag(keyOf(table) !== undefined);
    case 'ismsshipped':
    case 'isview':
    case 'isprocedure':
    case 'istrigger':
    case 'isscalarfunction':
    case 'istablefunction':
    case 'tablehasforeignkey':
    case 'tablehasforeignref':
    case 'tablehascheckcnst':
    case 'tablehastimestamp':
    case 'issystemtable':
      return flag(false);
    case 'tablehasdefaultcnst':
      return flag(columns.some((column) => column.defaultExpression !== undefined));
    default:
      return intValue(null);
  }
};

const columnProperty: Implementation = (context, args) => {
  const name = asText(args[1]?.value) ?? '';
  const columns = tableById(context, args)?.definition.columns ?? [];
  const at = columns.findIndex((column) => sameName(column.name, name));
  const column = columns[at];
  if (column === undefined) return intValue(null);
  switch (asText(args[2]?.value)?.toLowerCase()) {
    case 'isidentity':
      return intValue(column.identity === undefined ? 0 : 1);
    case 'allowsnull':
      return intValue(column.nullable ? 1 : 0);
    case 'columnid':
      return intValue(at + 1);
    case 'precision':
      return intValue(typeFacts(column.type).precision);
    case 'scale':
      return intValue(typeFacts(column.type).scale);
    case 'iscomputed':
    case 'isrowguidcol':
    case 'issparse':
    case 'iscolumnset':
    case 'ishidden':
    case 'isidnotforrepl':
      return intValue(0);
    default:
      return intValue(null);
  }
};

const columnName: Implementation = (context, args) =>
  textValue(tableById(context, args)?.definition.columns[(asNumber(args[1]?.value) ?? 0) - 1]?.name ?? null);

/** numeric(38,0), as the functions of identity return it. */
const identityValue = (value: bigint | undefined): TypedValue => ({
  type: { kind: 'decimal', precision: 38, scale: 0 },
  value: value === undefined ? null : new SqlDecimal(value, 0),
});

const identityOf = (table: StoredTable | undefined) =>
  table?.definition.columns.find((column) => column.identity !== undefined)?.identity;

/** Before the first row it is the seed (IDENT_CURRENT). */
const identityCurrent: Implementation = (context, args) => {
  const table = tableByName(context, args);
  const identity = identityOf(table);
  if (table === undefined || identity === undefined) return identityValue(undefined);
  const unused = table.nextIdentity === identity.seed;
  return identityValue(unused ? identity.seed : table.nextIdentity - identity.increment);
};

export const objectFunctions: readonly (readonly [string, Implementation])[] = [
  ['objectproperty', objectProperty],
  ['objectpropertyex', objectProperty],
  ['columnproperty', columnProperty],
  ['col_name', columnName],
  ['ident_current', identityCurrent],
  ['ident_seed', (context, args) => identityValue(identityOf(tableByName(context, args))?.seed)],
  ['ident_incr', (context, args) => identityValue(identityOf(tableByName(context, args))?.increment)],
];
