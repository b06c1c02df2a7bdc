/** The spec of a link between SQL1 and mi-west of an estate: its inventory as YAML, and resolved. */
import type { RunningAzure, RunningInstance } from '../../estate/estate';
import type { ResolvedLink } from '../../src/model/link/spec';
import { parseLink, resolveLink } from '../../src/model/link/spec-file';
import { parseInventory } from '../../src/model/spec-file';

export interface SpecParts {
  /** YAML of the sections after `instance`. */
  readonly sections: string;
  readonly name: string;
  readonly database: string;
}

/** @param inventory YAML @throws Error with what is wrong in either */
export function specOf(inventory: string, { sections, name, database }: SpecParts): ResolvedLink {
  const parsed = parseInventory(inventory, 'inventory.yaml');
  const link = parseLink(
    `apiVersion: sqlferry/v1\nkind: Link\nname: ${name}\ndatabase: ${database}\nserver: sql1\ninstance: mi-west\n${sections}`,
    'migration.yaml',
  );
  if (!parsed.ok || !link.ok) throw new Error(JSON.stringify([parsed, link]));
  const resolved = resolveLink(parsed.value, link.value, link.locate);
  if (!resolved.ok) throw new Error(JSON.stringify(resolved));
  return resolved.value;
}

export interface EstateAddresses {
  readonly azure: RunningAzure;
  instance(name: string): RunningInstance;
}

/** @param caFile authority of all its sockets; undefined: connections to the SQL side are in clear, Azure's is trusted */
export function inventoryYaml(estate: EstateAddresses, caFile: string | undefined): string {
  const server = estate.instance('SQL1');
  const instance = estate.instance('mi-west');
  const { azure } = estate;
  const tls =
    caFile === undefined ? '{ mode: off }' : `{ mode: required, caFile: ${caFile}, serverName: localhost }`;
  return `
apiVersion: sqlferry/v1
kind: Inventory
azure:
  endpoint: ${azure.endpoint}
  authorityHost: ${azure.authorityHost}
${caFile === undefined ? '' : `  caFile: ${caFile}\n`}  credential: { type: client-secret, tenantId: ${azure.tenantId}, clientId: ${azure.clientId}, clientSecret: "env:ESTATE_CLIENT_SECRET" }
sqlServers:
  sql1:
    host: ${server.host}
    port: ${server.port}
    tls: ${tls}
    authentication: { type: sql, user: ${server.adminLogin}, password: "env:SQL1_PASSWORD" }
    endpoint: { address: SQL1 }
    masterKeyPassword: env:MASTER_KEY_PASSWORD
managedInstances:
  mi-west:
    resourceId: ${instance.resourceId ?? ''}
    host: ${instance.host}
    port: ${instance.port}
    tls: ${tls}
    authentication: { type: sql, user: ${instance.adminLogin}, password: "env:MI_PASSWORD" }
`;
}
