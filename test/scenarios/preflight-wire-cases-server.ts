import { secretReferenceSchema } from '../../src/model/secret-reference';
import { LOGINS, SOUND_SECTIONS, type WireCase } from './preflight-wire';

const OWN_CERTIFICATE = 'Cert_SQL1_endpoint';
const own = (expiresInDays: number) => [
  { name: OWN_CERTIFICATE, subject: 'Certificate of SQL1', expiresInDays },
];

/** The SQL Server itself, its endpoint, its certificates. */
export const SERVER_WIRE_CASES: readonly WireCase[] = [
  {
    id: 'facts.fresh',
    judgedAfterMs: 20 * 60_000,
    evidence: /read 20m.* ago/,
    remedy: /Run preflight again/,
  },
  {
    id: 'server.version',
    what: '2019 CU17',
    world: { server: { version: '2019', update: 'CU17' } },
    evidence: /2019 15\.0\.4249\.2; the link needs 15\.0\.4312\.2/,
    remedy: /Install CU20/,
    also: ['server.chain-validation', 'server.link-support', 'instance.way-back'],
  },
  {
    id: 'server.version',
    what: '2016 SP2',
    world: { server: { version: '2016', update: 'SP2' } },
    evidence: /2016 13\.0\.5026\.0/,
    remedy: /SP3 and then the Azure Connect pack/,
    also: ['server.chain-validation', 'server.link-support', 'instance.way-back'],
  },
  {
    // Builds of a security branch, above the minimum but without the procedure, are not on the estate.
    id: 'server.link-support',
    what: '2017 CU31 without the Azure Connect pack',
    world: { server: { version: '2017', update: 'CU31' } },
    evidence: /sp_certificate_add_issuer does not exist on 14\.0\.3456\.2/,
    remedy: /Azure Connect pack/,
    also: ['server.chain-validation', 'server.version', 'instance.way-back'],
  },
  {
    id: 'server.edition',
    what: 'Express',
    world: { server: { edition: 'Express' } },
    evidence: /Express Edition \(64-bit\) \(engine edition 4\)/,
    remedy: /Enterprise, Standard or Developer/,
  },
  {
    id: 'server.edition',
    what: 'Web',
    world: { server: { edition: 'Web' } },
    evidence: /Web Edition/,
    remedy: /Enterprise, Standard or Developer/,
  },
  {
    id: 'server.sysadmin',
    world: {
      server: {
        logins: [...LOGINS, { name: 'ferry', password: 'Ferry!Passw0rd', roles: [] }],
      },
    },
    arrange: ({ onServer }) =>
      onServer(
        'GRANT VIEW SERVER STATE TO [ferry]; GRANT VIEW ANY DEFINITION TO [ferry]; GRANT CONNECT ANY DATABASE TO [ferry];',
      ),
    inventory: (spec) => ({
      ...spec,
      server: {
        ...spec.server,
        authentication: {
          type: 'sql',
          user: 'ferry',
          password: secretReferenceSchema.parse('env:SQL1_PASSWORD'),
        },
      },
    }),
    evidence: /The login is not sysadmin/,
    remedy: /ALTER SERVER ROLE sysadmin ADD MEMBER/,
  },
  {
    id: 'server.always-on',
    world: { server: { hadrEnabled: false } },
    evidence: /IsHadrEnabled is 0/,
    remedy: /Configuration Manager/,
  },
  {
    id: 'server.master-key',
    inventory: ({ server: { masterKeyPassword: _none, ...server }, ...spec }) => ({ ...spec, server }),
    evidence: /no master key, and the inventory gives no masterKeyPassword/,
    remedy: /Set masterKeyPassword/,
  },
  {
    id: 'server.collation',
    world: { server: { collation: 'Latin1_General_100_CI_AS_SC' } },
    evidence: /SQL Server has Latin1_General_100_CI_AS_SC, the instance SQL_Latin1_General_CP1_CI_AS/,
    remedy: /compare how server names are written/,
  },
  {
    id: 'server.trace-flag-1800',
    world: { server: { traceFlags: [9567] } },
    evidence: /1800 is off/,
    remedy: /-T1800/,
  },
  {
    id: 'server.trace-flag-9567',
    world: { server: { traceFlags: [1800] } },
    evidence: /9567 is off/,
    remedy: /-T9567/,
  },
  {
    id: 'server.trace-flag-12381',
    arrange: ({ onServer }) => onServer('DBCC TRACEON (12381, -1) WITH NO_INFOMSGS;'),
    evidence: /12381 is on/,
    remedy: /TRACEOFF \(12381, -1\)/,
  },
  {
    id: 'server.keep-log',
    sections: `${SOUND_SECTIONS}seeding: { keepLog: trace-flag-12381 }\n`,
    outcome: 'unknown',
    evidence: /cannot be asked/,
    remedy: /troubleshooting page/,
  },
  {
    id: 'server.chain-validation',
    what: '2022 RTM',
    world: { server: { version: '2022', update: 'RTM' } },
    evidence: /sp_validate_certificate_ca_chain does not exist/,
    remedy: /2022 CU5 and later/,
  },
  {
    id: 'server.cluster',
    world: { server: { version: '2016', hadrEnabled: false, clustered: false } },
    evidence: /2016 needs a cluster/,
    remedy: /Failover Clustering/,
    also: ['server.always-on', 'server.chain-validation', 'instance.way-back'],
  },

  {
    id: 'endpoint.started',
    world: {
      server: { certificates: own(300), endpoint: { certificate: OWN_CERTIFICATE, state: 'STOPPED' } },
    },
    evidence: /database_mirroring_endpoint is STOPPED/,
    remedy: /STATE = STARTED/,
  },
  {
    id: 'endpoint.authentication',
    world: { server: { endpoint: {} } },
    evidence: /authenticates by NEGOTIATE/,
    remedy: /adds CERTIFICATE/,
    also: ['endpoint.certificate'],
  },
  {
    id: 'endpoint.certificate',
    world: {
      server: {
        certificates: [...own(300), { name: 'Mirror', subject: 'for the mirror' }],
        endpoint: { certificate: 'Mirror' },
      },
    },
    evidence: /database_mirroring_endpoint uses Mirror/,
    remedy: /name it in certificate\.name/,
  },
  {
    id: 'endpoint.encryption',
    world: {
      server: { certificates: own(300), endpoint: { certificate: OWN_CERTIFICATE, encryption: 'DISABLED' } },
    },
    evidence: /Encryption of database_mirroring_endpoint is off/,
    remedy: /ENCRYPTION = REQUIRED ALGORITHM AES/,
    also: ['endpoint.algorithm'],
  },
  {
    id: 'endpoint.algorithm',
    world: { server: { certificates: own(300) } },
    arrange: ({ onServer }) => onServer(endpointStatement('ENCRYPTION = REQUIRED ALGORITHM RC4, ROLE = ALL')),
    evidence: /encrypts with RC4/,
    remedy: /ALGORITHM AES/,
  },
  {
    id: 'endpoint.role',
    world: { server: { certificates: own(300) } },
    arrange: ({ onServer }) =>
      onServer(endpointStatement('ENCRYPTION = REQUIRED ALGORITHM AES, ROLE = WITNESS')),
    evidence: /is WITNESS/,
    remedy: /ROLE = ALL/,
  },
  {
    id: 'endpoint.port',
    world: { server: { certificates: own(300), endpoint: { certificate: OWN_CERTIFICATE, port: 5023 } } },
    evidence: /listens on 5023; the inventory says 5022/,
    remedy: /endpoint\.port/,
  },
  {
    id: 'certificate.valid',
    world: { server: { certificates: own(-3), endpoint: { certificate: OWN_CERTIFICATE } } },
    evidence: /Cert_SQL1_endpoint expired on 2026-01-12/,
    remedy: /sqlferry certificates rotate/,
    also: ['certificate.expires-soon'],
  },
  {
    id: 'certificate.expires-soon',
    world: { server: { certificates: own(10), endpoint: { certificate: OWN_CERTIFICATE } } },
    evidence: /Cert_SQL1_endpoint expires in (9d 23h|10d)/,
    remedy: /Rotate it/,
  },
  {
    id: 'certificate.private-key',
    arrange: async ({ ports, onServer }) =>
      onServer(
        `CREATE CERTIFICATE [${OWN_CERTIFICATE}] FROM BINARY = 0x${await ports.azure.readEndpointCertificate()};`,
      ),
    evidence: /private key of Cert_SQL1_endpoint is encrypted by NA/,
    remedy: /Drop the certificate/,
    also: ['certificate.instance-name'],
  },
  {
    id: 'certificate.name-on-instance',
    arrange: async ({ ports, onAzure }) =>
      onAzure({
        operation: 'put-server-trust-certificate',
        certificateName: OWN_CERTIFICATE,
        publicBlob: await ports.azure.readEndpointCertificate(),
      }),
    evidence: /another certificate named Cert_SQL1_endpoint, thumbprint [0-9A-F]{40}/,
    remedy: /partner-cert delete/,
  },
  {
    id: 'certificate.of-instance',
    arrange: async ({ ports, onServer, stage }) => {
      const fqdn = stage.estate.instance('mi-west').fqdn;
      await onServer(
        `CREATE CERTIFICATE [${fqdn}] FROM BINARY = 0x${await ports.azure.readEndpointCertificate()};`,
      );
      stage.estate.world.certificates.expireNow('SQL1', fqdn);
    },
    evidence: /mi-west\.a1b2c3d4e5f6\.database\.windows\.net expired on/,
    remedy: /imports the present one/,
  },
  {
    id: 'certificate.instance-name',
    arrange: async ({ ports, onServer }) =>
      onServer(`CREATE CERTIFICATE [MiCert] FROM BINARY = 0x${await ports.azure.readEndpointCertificate()};`),
    evidence: /stands under the name MiCert/,
    remedy: /imports it under the FQDN/,
  },
];

const endpointStatement = (settings: string): string =>
  `CREATE ENDPOINT [database_mirroring_endpoint] STATE = STARTED AS TCP (LISTENER_PORT = 5022, LISTENER_IP = ALL)
   FOR DATABASE_MIRRORING (AUTHENTICATION = CERTIFICATE [${OWN_CERTIFICATE}], ${settings});`;
