import type { ResolvedLinkMigration } from '../../../model/link/spec';
import type { Side } from '../../../model/statement';
import { disableLogin, enableLogin } from '../../../tsql/logins';
import { readLogins, readSessions } from '../../../tsql/queries/logins';
import { terminateSessions } from '../../../tsql/sessions';
import { NeedsPerson } from '../../failures';
import { defineLinkStep, type LinkContext, readOn } from '../context';

interface FenceState {
  readonly logins: readonly {
    readonly name: string;
    readonly exists: boolean;
    readonly isDisabled: boolean;
  }[];
  readonly openSessions: number;
}

/**
 * Keeps the applications out of one side, so that its log stands still. A database in an availability group cannot be
 * set read-only or single-user (error 1468): the logins are disabled and their sessions ended.
 */
export const fence = defineFence('source.fence', 'source');
export const fenceInstance = defineFence('target.fence', 'target');

/** Lets the applications in to the new primary; logins that are not there are the operator's to bring. */
export const admitToSource = defineAdmission('source.admit-applications', 'source');
export const admitToInstance = defineAdmission('target.admit-applications', 'target');

function defineFence(id: string, on: Side) {
  return defineLinkStep<FenceState>({
    id,
    observe: (context) => observeLogins(context, on),
    // The way back of a drill: the failover there lets the applications in on this side.
    assume: (facts, _context, before) =>
      before.includes(`${on}.admit-applications`) ? withLogins(facts, false) : facts,
    settled({ logins, openSessions }) {
      if (logins.length === 0) return 'no logins to disable: the operators keep the applications away';
      if (openSessions > 0 || logins.some((login) => login.exists && !login.isDisabled)) return undefined;
      return `${logins.map((login) => login.name).join(', ')} disabled, no open sessions of theirs`;
    },
    async effects({ logins }, { spec }) {
      const missing = logins.filter((login) => !login.exists);
      if (missing.length > 0) {
        throw new NeedsPerson(
          'FenceLoginMissing',
          `${sideName(spec, on)} has no login ${missing.map((login) => login.name).join(', ')}`,
          'create it there with the same SID, or correct cutover.fence.disableLogins in the migration',
        );
      }
      const names = logins.map((login) => login.name);
      return [
        ...logins
          .filter((login) => !login.isDisabled)
          .map((login) => ({
            kind: 'tsql' as const,
            on,
            statement: disableLogin(login.name),
            undo: enableLogin(login.name).display,
          })),
        {
          kind: 'tsql',
          on,
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
      return disabledByUs.map((login) => ({ kind: 'tsql', on, statement: enableLogin(login.name) }));
    },
  });
}

function defineAdmission(id: string, on: Side) {
  return defineLinkStep<FenceState>({
    id,
    observe: (context) => observeLogins(context, on),
    assume(facts, { spec }, before) {
      if (before.includes(`${on}.fence`)) return withLogins(facts, true);
      return spec.migration.instanceObjects === undefined ? facts : withCopies(facts);
    },
    settled({ logins }, { spec }) {
      const shut = logins.filter((login) => login.exists && login.isDisabled);
      if (shut.length > 0) return undefined;
      const names = logins.filter((login) => login.exists).map((login) => login.name);
      return names.length === 0
        ? `no application logins on ${sideName(spec, on)}`
        : `${names.join(', ')} may log in to ${sideName(spec, on)}`;
    },
    effects: async ({ logins }) =>
      logins
        .filter((login) => login.exists && login.isDisabled)
        .map((login) => ({ kind: 'tsql' as const, on, statement: enableLogin(login.name) })),
  });
}

/** Copied logins of the fence are born disabled. */
const withCopies = (facts: FenceState): FenceState => ({
  ...facts,
  logins: facts.logins.map((login) => (login.exists ? login : { ...login, exists: true, isDisabled: true })),
});

const withLogins = (facts: FenceState, isDisabled: boolean): FenceState => ({
  ...facts,
  logins: facts.logins.map((login) => ({ ...login, isDisabled })),
});

async function observeLogins(context: LinkContext, on: Side): Promise<FenceState> {
  const { disableLogins } = context.spec.migration.cutover.fence;
  if (disableLogins.length === 0) return { logins: [], openSessions: 0 };
  const [logins, sessions] = await Promise.all([
    readOn(context, on, readLogins(disableLogins)),
    readOn(context, on, readSessions({ logins: disableLogins })),
  ]);
  const byName = new Map(logins.map((login) => [login.name.toLowerCase(), login]));
  return {
    logins: disableLogins.map((name) => {
      const login = byName.get(name.toLowerCase());
      return { name, exists: login !== undefined, isDisabled: login?.isDisabled ?? false };
    }),
    openSessions: sessions.length,
  };
}

const sideName = (spec: ResolvedLinkMigration, on: Side): string =>
  on === 'source' ? spec.migration.source : spec.migration.target;
