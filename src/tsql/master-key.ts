import type { Statement } from '../model/statement';
import { quoteLiteral } from './quote';
import { SECRET_MASK } from './secrets';
import { lines, statement } from './statement';

/**
 * Master key of the master database, unless there is one. Certificates and endpoints need it (15581 without).
 * @param options.password secret; `display` masks it
 */
export function createMasterKey(options: { readonly password: string }): Statement {
  const text = (password: string): string =>
    lines(
      'IF NOT EXISTS (SELECT 1 FROM sys.symmetric_keys WHERE symmetric_key_id = 101)',
      `CREATE MASTER KEY ENCRYPTION BY PASSWORD = ${password};`,
    );
  return statement('create-master-key', text(quoteLiteral(options.password)), { display: text(SECRET_MASK) });
}

/** Undo of {@link createMasterKey}. Refused by the server while a private key depends on it (15580). */
export const dropMasterKey = (): Statement => statement('drop-master-key', 'DROP MASTER KEY;');
