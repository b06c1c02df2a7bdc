/** The fence: logins of the applications are disabled while a database moves. */
import type { Statement } from '../model/statement';
import { quoteIdentifier } from './quote';
import { statement } from './statement';

/** New connections of the login are refused (18470); running sessions stay until they are ended. */
export const disableLogin = (name: string): Statement =>
  statement('disable-login', `ALTER LOGIN ${quoteIdentifier(name)} DISABLE;`);

export const enableLogin = (name: string): Statement =>
  statement('enable-login', `ALTER LOGIN ${quoteIdentifier(name)} ENABLE;`);
