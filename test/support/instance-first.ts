/** An estate whose database and application live on the managed instance; the SQL Server is empty. */
import type { EstateDefinitionInput } from '../../estate/world/definition';
import { APPLICATION } from './application';

type Instances = NonNullable<EstateDefinitionInput['instances']>;
type Server = Extract<Instances[number], { kind: 'sql-server' }>;
type Managed = Extract<Instances[number], { kind: 'managed-instance' }>;

export interface InstanceFirstParts {
  readonly server?: Partial<Server>;
  readonly managed?: Partial<Managed>;
  readonly rates?: EstateDefinitionInput['rates'];
  /** Simulated milliseconds per real one; by default five minutes of Azure's are five seconds. */
  readonly speed?: number;
}

const GB = 1024 ** 3;

export const instanceFirstEstate = ({
  server,
  managed,
  rates,
  speed,
}: InstanceFirstParts): EstateDefinitionInput => ({
  clock: { speed: speed ?? 60 },
  rates: { firstFullBackupDelayMs: 30_000, ...rates },
  instances: [
    { kind: 'sql-server', name: 'SQL1', ...server },
    {
      kind: 'managed-instance',
      name: 'mi-west',
      logins: [
        { name: 'ferryadmin', password: 'Ferry!Passw0rd' },
        { ...APPLICATION, roles: [] },
      ],
      databases: [{ name: 'Sales', dataBytes: 2 * GB, users: [{ name: APPLICATION.name }] }],
      ...managed,
    },
  ],
});
