import type { DatabaseUser, LoginSid, OrphanedUser } from '../../model/run/failover-facts';
import { sameName } from '../names';

/** @returns users whose SID no login has, each with the login of its name where there is one */
export function orphanedUsers(
  users: readonly DatabaseUser[],
  logins: readonly LoginSid[],
): readonly OrphanedUser[] {
  const sids = new Set(logins.map(({ sid }) => sid.toUpperCase()));
  return users
    .filter(({ sid }) => !sids.has(sid.toUpperCase()))
    .map(({ user }) => ({ user, login: loginNamed(user, logins) }));
}

/** A server may tell Ann from ann: the exact name comes first. */
function loginNamed(user: string, logins: readonly LoginSid[]): string | null {
  const exact = logins.find(({ login }) => login === user);
  return (exact ?? logins.find(({ login }) => sameName(login, user)))?.login ?? null;
}
