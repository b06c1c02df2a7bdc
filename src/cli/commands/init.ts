import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, type ExitCode } from '../exit-codes';
import { CliFailure } from '../failure';
import type { Output } from '../output';

export interface InitOptions {
  readonly directory: string;
  readonly force: boolean;
}

/** Writes example spec files with every field that a person must decide. Never overwrites without --force. */
export async function init(output: Output, options: InitOptions): Promise<ExitCode> {
  const files = { 'inventory.yaml': INVENTORY, 'migration.yaml': MIGRATION };
  const taken = Object.keys(files).filter((name) => existsSync(join(options.directory, name)));
  if (taken.length > 0 && !options.force) {
    throw new CliFailure(`${taken.join(' and ')} exist in ${options.directory}`, EXIT.refused, [
      'choose another directory, or overwrite them with --force',
    ]);
  }
  await mkdir(options.directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(options.directory, name), text);
    output.say(`wrote ${join(options.directory, name)}`);
  }
  output.say('next: fill in your instances, then run: sqlferry preflight migration.yaml');
  output.result({ files: Object.keys(files).map((name) => join(options.directory, name)) });
  return EXIT.ok;
}

const INVENTORY = `# Which instances there are and how they are reached. Holds references to secrets, never a secret.
apiVersion: sqlferry/v1
kind: Inventory

azure:
  credential:
    type: default            # Azure CLI, environment, workload or managed identity, in this order

sqlServers:
  sql1:
    host: sql1.example.com
    port: 1433
    authentication:
      type: sql
      user: sqlferry         # needs sysadmin
      password: env:SQL1_PASSWORD
    endpoint:
      address: 10.0.1.8      # how the managed instance reaches this server, port 5022 by default
    masterKeyPassword: env:SQL1_MASTER_KEY_PASSWORD

managedInstances:
  mi-west:
    resourceId: /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-sql/providers/Microsoft.Sql/managedInstances/mi-west
    authentication:
      type: entra
`;

const MIGRATION = `# One database and how it shall cross.
apiVersion: sqlferry/v1
kind: Link
name: sales-to-west
database: Sales
server: sql1
instance: mi-west

logBackups:
  directory: /var/opt/mssql/backup   # on the SQL Server; files are kept, deleting old ones is yours
  every: 15m

cutover:
  schedule:
    type: in-windows
    windows:
      - days: [sat, sun]
        from: "22:00"
        to: "02:00"
        timezone: Europe/Berlin
  approval:
    required: true
  fence:
    disableLogins: [sales_app]       # kept out of the SQL Server at the cutover
  afterwards: remove-link            # or keep-link, where the versions can fail back

instanceObjects:                     # logins of the database are copied; leave it out and nothing of this is
  jobs:
    include: []                      # agent jobs that run where the primary is
  drift: block                       # what cannot be copied holds the cutover; or warn, ignore
`;
