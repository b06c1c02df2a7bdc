import type { ResolvedLink } from '../../src/model/link/spec';
import { parseLink, resolveLink } from '../../src/model/link/spec-file';
import { parseInventory } from '../../src/model/spec-file';

const INVENTORY = `
apiVersion: sqlferry/v1
kind: Inventory
sqlServers:
  sql1:
    host: sql1.example.com
    authentication: { type: sql, user: ferry, password: "env:SQL1_PASSWORD" }
    endpoint: { address: 10.0.1.8 }
    masterKeyPassword: env:MASTER_KEY_PASSWORD
managedInstances:
  mi-west:
    resourceId: /subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/managedInstances/mi-west
    authentication: { type: sql, user: ferry, password: "env:MI_PASSWORD" }
`;

const MIGRATION = `
apiVersion: sqlferry/v1
kind: Link
name: sales
database: Sales
server: sql1
instance: mi-west
logBackups: { directory: /backup }
cutover:
  approval: { required: false }
  fence: { disableLogins: [app] }
`;

/** A small valid migration. @param migration YAML text in place of the default one */
export function linkSpec(migration = MIGRATION): ResolvedLink {
  const inventory = parseInventory(INVENTORY, 'inventory.yaml');
  const parsed = parseLink(migration, 'migration.yaml');
  if (!inventory.ok || !parsed.ok) throw new Error(JSON.stringify([inventory, parsed]));
  const resolved = resolveLink(inventory.value, parsed.value);
  if (!resolved.ok) throw new Error(JSON.stringify(resolved));
  return resolved.value;
}

/** The default migration with the cutover section (YAML, two spaces deep) replaced. */
export const linkSpecWith = (sections: string): ResolvedLink =>
  linkSpec(`${MIGRATION.slice(0, MIGRATION.indexOf('cutover:'))}${sections}`);
