/** Statements that hold for every availability group, distributed or not. All run in master (35208). */
import type { Statement } from '../model/statement';
import { quoteAscii, quoteIdentifier, quoteLiteral } from './quote';
import { lines, statement } from './statement';

export interface NewAvailabilityGroup {
  readonly name: string;
  readonly database: string;
  /** Value of @@SERVERNAME (35237 when it differs). */
  readonly serverName: string;
  /** For example `TCP://10.0.1.8:5022`. */
  readonly endpointUrl: string;
  /** `omit` on SQL Server 2016, which does not know the option and needs a cluster. */
  readonly clusterType: 'NONE' | 'omit';
  /** Basic availability group, for Standard edition. */
  readonly basic?: boolean;
}

/** Availability group of one database with this server as its only replica. */
export function createAvailabilityGroup(group: NewAvailabilityGroup): Statement {
  const options = [
    ...(group.basic === true ? ['BASIC'] : []),
    ...(group.clusterType === 'NONE' ? ['CLUSTER_TYPE = NONE'] : []),
  ];
  return statement(
    'create-availability-group',
    lines(
      `CREATE AVAILABILITY GROUP ${quoteIdentifier(group.name)}`,
      options.length === 0 ? undefined : `WITH (${options.join(', ')})`,
      `    FOR DATABASE ${quoteIdentifier(group.database)}`,
      '    REPLICA ON',
      `        ${quoteLiteral(group.serverName)} WITH (`,
      `            ENDPOINT_URL = ${quoteAscii(group.endpointUrl)},`,
      '            AVAILABILITY_MODE = SYNCHRONOUS_COMMIT,',
      '            FAILOVER_MODE = MANUAL,',
      '            SEEDING_MODE = AUTOMATIC',
      '        );',
    ),
  );
}

export const dropAvailabilityGroup = (name: string): Statement =>
  statement('drop-availability-group', `DROP AVAILABILITY GROUP ${quoteIdentifier(name)};`);

/** @returns URL of a mirroring endpoint, for ENDPOINT_URL and LISTENER_URL. IPv6 addresses are put in brackets. */
export function mirroringUrl(address: string, port: number): string {
  const host = address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
  return `TCP://${host}:${port}`;
}
