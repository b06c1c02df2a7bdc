import type { CatalogueEntry } from '../../model/failure';
import { person, retry } from '../errors/entry';

/** Conditions around logins, jobs and other objects outside of the database. */
export const INSTANCE_OBJECT_ENTRIES: readonly CatalogueEntry[] = [
  person(
    'InstanceObjectsDiffer',
    [],
    'Logins or jobs that the spec names are not the same on both sides, and instanceObjects.drift is block.',
    'Look at sqlferry objects: it names each difference with its remedy. The failover goes on by itself once there is none.',
    'sqlferry',
  ),
  retry(
    'LoginGone',
    [],
    'A login that was to be copied has gone from the primary in between.',
    'It is looked at again.',
    'sqlferry',
  ),
  person(
    'LoginPasswordReplaced',
    [],
    'A login that stood there before the run got the password of the other side; the former one cannot be given back.',
    'Set its password anew on that side.',
    'sqlferry',
  ),
  person(
    'AgentJobReplaced',
    [],
    'A job that stood there before the run was made like that of the other side; its former steps cannot be given back.',
    'Bring the job back from your own scripts or from a backup of msdb.',
    'sqlferry',
  ),
  person(
    'UndoUncertain',
    [],
    "A copy of logins or jobs was cut off, and nobody could look at once what it had made. What stands there now may be somebody else's.",
    'Run those of the statements that take away what nobody needs.',
    'sqlferry',
  ),
  person(
    'AgentJobDiffers',
    [],
    'A job stays disabled on the new primary, since it differs from that of the former one.',
    'Mend the job on the new primary, then enable it (msdb.dbo.sp_update_job @enabled).',
    'sqlferry',
  ),
];
