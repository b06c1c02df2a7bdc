import type { CatalogueEntry } from '../../model/failure';
import { person, retry } from '../errors/entry';

/** Conditions of a link that a run finds by itself, without an error of a server. */
export const LINK_RUN_ENTRIES: readonly CatalogueEntry[] = [
  person(
    'FenceLoginMissing',
    [],
    'A login that the fence shall disable does not exist.',
    'Correct cutover.fence.disableLogins.',
    'sqlferry',
  ),
  retry(
    'LinkNotOnSource',
    [],
    'The link does not show on the SQL Server yet.',
    'It is looked at again.',
    'sqlferry',
  ),
  person(
    'LinkNotConnected',
    [],
    'The link did not connect in the time that the instance waits.',
    'Check ports 5022 and 11000-11999 in both directions, the endpoint and the certificates.',
    'sqlferry',
  ),
  person(
    'LinkBroken',
    [],
    'The link reports an error from which it does not recover.',
    'Do what the error of the link asks for (sqlferry explain NUMBER); often the link must be deleted and created again.',
    'sqlferry',
  ),
  person(
    'RedoNotDrained',
    [],
    'Behind the fence the secondary has too much log to apply: the failover would be refused (47516).',
    'Wait until the redo queue is small, or give the secondary more resources; the cutover begins again then.',
    'sqlferry',
  ),
  person(
    'SourceNotPrimary',
    [],
    'The SQL Server is not the primary of the link, and this run did not fail it over.',
    'Find out who changed the roles. If the cutover happened by other means, abort the run: link, groups and copy are left then.',
    'sqlferry',
  ),
  person(
    'InstanceIsPrimary',
    [],
    'The instance is the primary of the link by a failover that this run did not make, so nothing of the link is undone.',
    'Remove by hand what is not needed, the link first.',
    'sqlferry',
  ),
  person(
    'TrustInUse',
    [],
    'Endpoint, certificates or trust stay, because a link on the SQL Server uses them.',
    'Remove them by hand once no link uses them.',
    'sqlferry',
  ),
  person(
    'CopyWithoutLink',
    [],
    'Somebody deleted the link, and the copy stays on the instance; it may be in use, so it is not deleted.',
    'Drop the database on the instance if no application uses it.',
    'sqlferry',
  ),
  person(
    'LogMovedBehindFence',
    [],
    'Something wrote to the source after the fence was up.',
    'Find who writes (sys.dm_exec_sessions) and add the login to cutover.fence.disableLogins.',
    'sqlferry',
  ),
  person(
    'SeedingDeadlineExceeded',
    [],
    'Seeding was not over before its deadline; Azure cancels the creation of a link after 6 days.',
    'Raise the bandwidth or reduce the load, then start again.',
    'sqlferry',
  ),
];
