/** Literals with their types: a constant's type follows from how it is written ("Constants (Transact-SQL)"). */
import { SqlError } from '../errors';
import type { Token } from '../host';
import { SqlDecimal, type SqlType } from '../types';
import { parseDecimal, rescale } from '../values/decimals';
import { decimal, FLOAT, INT, MONEY, nvarchar, varbinary, varchar } from '../values/typing';
import type { Expression } from './ast';

export const stringLiteral = (token: Token): Expression => {
  const length = token.text.length;
  const type =
    token.national === true
      ? nvarchar(length > 4000 ? 'max' : Math.max(1, length))
      : varchar(length > 8000 ? 'max' : Math.max(1, length));
  return { kind: 'literal', type, value: token.text };
};

export function binaryLiteral(token: Token): Expression {
  const digits = token.text.length % 2 === 0 ? token.text : `0${token.text}`;
  const value = new Uint8Array(Buffer.from(digits, 'hex'));
  return { kind: 'literal', type: varbinary(value.length > 8000 ? 'max' : Math.max(1, value.length)), value };
}

/** int, decimal (also for whole numbers beyond int), float with an exponent, money with a currency sign. */
export function numberLiteral(token: Token): Expression {
  const text = token.text;
  if (text.startsWith('$')) {
    const amount = parseDecimal(text.slice(1)) ?? new SqlDecimal(0n, 0);
    return {
      kind: 'literal',
      type: MONEY,
      value: new SqlDecimal(rescale(amount.unscaled, amount.scale, 4), 4),
    };
  }
  if (/e/i.test(text)) {
    const value = Number(/\d$/.test(text) ? text : `${text}0`);
    if (!Number.isFinite(value)) throw tooLarge(token, 'real', 168);
    return { kind: 'literal', type: FLOAT, value };
  }
  const value = parseDecimal(text) ?? new SqlDecimal(0n, 0);
  if (!text.includes('.') && value.unscaled <= 2_147_483_647n) return literalOf(INT, Number(value.unscaled));
  const digits = value.unscaled.toString().length;
  if (digits > 38) throw tooLarge(token, 'numeric', 1007);
  return { kind: 'literal', type: decimal(Math.max(digits, value.scale, 1), value.scale), value };
}

const literalOf = (type: SqlType, value: number): Expression => ({ kind: 'literal', type, value });

function tooLarge(token: Token, what: string, number: number): SqlError {
  const text =
    number === 1007
      ? `The number '${token.text}' is out of the range for numeric representation (maximum precision 38).`
      : `The floating point value '${token.text}' is out of the range of computer representation (8 bytes).`;
  return new SqlError(number, text, { severity: 15, state: what === 'numeric' ? 1 : 2, line: token.line });
}

/** A minus sign belongs to the literal, so that -2147483648 is an int. */
export function negatedLiteral(operator: string, operand: Expression): Expression | undefined {
  if (operator !== '-' || operand.kind !== 'literal') return undefined;
  const { type, value } = operand;
  if (typeof value === 'number') return { kind: 'literal', type, value: -value };
  if (!(value instanceof SqlDecimal)) return undefined;
  const unscaled = -value.unscaled;
  if (value.scale === 0 && unscaled === -2_147_483_648n)
    return { kind: 'literal', type: INT, value: -2_147_483_648 };
  return { kind: 'literal', type, value: new SqlDecimal(unscaled, value.scale) };
}
