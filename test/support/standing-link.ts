/** A DR link, on the estate, until it stands: where scenarios about it begin. */
import type { EstateDefinitionInput } from '../../estate/world/definition';
import { APPLICATION, until } from './application';
import { QUICK_POLLING, type Stage } from './scenario';

const GB = 1024 ** 3;

/** One SQL Server whose roles can be swapped, one instance, the application's login on both. */
export const linkEstate = (): EstateDefinitionInput => ({
  clock: { speed: 300 },
  instances: [
    {
      kind: 'sql-server',
      name: 'SQL1',
      update: 'CU16',
      logins: [
        { name: 'sa', password: 'Ferry!Passw0rd' },
        { ...APPLICATION, roles: [] },
      ],
      databases: [
        { name: 'Sales', dataBytes: GB, users: [{ name: APPLICATION.name, login: APPLICATION.name }] },
      ],
    },
    {
      kind: 'managed-instance',
      name: 'mi-west',
      logins: [
        { name: 'ferryadmin', password: 'Ferry!Passw0rd' },
        { ...APPLICATION, roles: [] },
      ],
    },
  ],
  rates: { firstFullBackupDelayMs: 30_000 },
});

export const LINK_SECTIONS = `
purpose: disaster-recovery
logBackups: { directory: "C:\\\\Backup" }
cutover: { fence: { disableLogins: [${APPLICATION.name}] } }
failover: { coolDown: 1s }
${QUICK_POLLING}
`;

export async function standingLink(stage: Stage, sections = LINK_SECTIONS): Promise<void> {
  await stage.migrations.start(stage.spec(sections));
  await until('the link stands', async () => {
    const { status } = await stage.migrations.view('sales');
    return status.protection !== null;
  });
}
