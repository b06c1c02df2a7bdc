import type { EndpointFacts } from '../../model/sql-server/observation';
import type { Query } from '../../model/statement';
import { query } from '../query';
import { readBoolean, readInteger, readNullableText, readText } from '../rows';

/** Database mirroring endpoints: none or one. */
export const readEndpoints = (): Query<EndpointFacts> =>
  query(
    'read-endpoints',
    `
SELECT
    e.name, e.state_desc, e.role_desc, e.connection_auth_desc, e.is_encryption_enabled,
    e.encryption_algorithm_desc, c.name AS certificate_name, t.port, t.ip_address
FROM sys.database_mirroring_endpoints AS e
JOIN sys.tcp_endpoints AS t ON t.endpoint_id = e.endpoint_id
LEFT JOIN sys.certificates AS c ON c.certificate_id = e.certificate_id
ORDER BY e.endpoint_id;
`,
    (row) => ({
      name: readText(row, 'name'),
      stateDesc: readText(row, 'state_desc'),
      roleDesc: readText(row, 'role_desc'),
      connectionAuthDesc: readText(row, 'connection_auth_desc'),
      isEncryptionEnabled: readBoolean(row, 'is_encryption_enabled'),
      encryptionAlgorithmDesc: readText(row, 'encryption_algorithm_desc'),
      certificateName: readNullableText(row, 'certificate_name'),
      port: readInteger(row, 'port'),
      ipAddress: readNullableText(row, 'ip_address'),
    }),
  );
