import { disableLogin, enableLogin } from '../../../tsql/logins';
import { readLogins, readSessions } from '../../../tsql/queries/logins';
import { terminateSessions } from '../../../tsql/sessions';
import { NeedsPerson } from '../../failures';
import { defineLinkStep, readSource } from '../context';

interface FenceState {
  readonly logins: readonly {
    readonly name: string;
    readonly exists: boolean;
    readonly isDisabled: boolean;
  }[];
  readonly openSessions: number;
}

/**
 * Keeps the applications out of the source, so that its log stands still. A database in an availability group
 * cannot be set read-only or single-user (error 1468): the logins are disabled and their sessions ended.
 */
export const fence = defineLinkStep<FenceState>({
  id: 'source.fence',
  async observe(context) {
    const { disableLogins } = context.spec.migration.cutover.fence;
    if (disableLogins.length === 0) return { logins: [], openSessions: 0 };
    const [logins, sessions] = await Promise.all([
      readSource(context, readLogins(disableLogins)),
      readSource(context, readSessions({ logins: disableLogins })),
    ]);
    const byName = new Map(logins.map((login) => [login.name.toLowerCase(), login]));
    return {
      logins: disableLogins.map((name) => {
        const login = byName.get(name.toLowerCase());
        return { name, exists: login !== undefined, isDisabled: login?.isDisabled ?? false };
      }),
      openSessions: sessions.length,
    };
  },
  settled({ logins, openSessions }) {
    if (logins.length === 0) return 'no logins to disable: the operators keep the applications away';
    if (openSessions > 0 || logins.some((login) => login.exists && !login.isDisabled)) return undefined;
    return `${logins.map((login) => login.name).join(', ')} disabled, no open sessions of theirs`;
  },
  async effects({ logins }) {
    const missing = logins.filter((login) => !login.exists);
    if (missing.length > 0) {
      throw new NeedsPerson(
        'FenceLoginMissing',
        `the source has no login ${missing.map((login) => login.name).join(', ')}`,
        'correct cutover.fence.disableLogins in the migration',
      );
    }
    const names = logins.map((login) => login.name);
    return [
      ...logins
        .filter((login) => !login.isDisabled)
        .map((login) => ({
          kind: 'tsql' as const,
          on: 'source' as const,
          statement: disableLogin(login.name),
          undo: enableLogin(login.name).display,
        })),
      {
        kind: 'tsql',
        on: 'source',
        statement: terminateSessions({ logins: names }),
      },
    ];
  },
  async undo(before, now) {
    const disabledByUs = now.logins.filter(
      (login) =>
        login.isDisabled &&
        before.logins.some((earlier) => earlier.name === login.name && !earlier.isDisabled),
    );
    return disabledByUs.map((login) => ({ kind: 'tsql', on: 'source', statement: enableLogin(login.name) }));
  },
});
