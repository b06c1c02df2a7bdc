import { z } from 'zod';
import { secretReferenceSchema } from './secret-reference';

/** SQL Server identifiers are at most 128 characters (sysname). */
export const sysnameSchema = z.string().min(1).max(128);

/** A name that people and files use for an instance; also part of workflow ids. */
export const nameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be 1 to 63 letters, digits, ".", "_" or "-"');

const tlsSchema = z
  .strictObject({
    mode: z
      .enum(['strict', 'required', 'off'])
      .default('required')
      .describe(
        'strict = TDS 8.0 (SQL Server 2022 and later), required = TLS inside TDS 7.4, off = plain text',
      ),
    caFile: z.string().optional().describe('PEM file with the authority that signed the server certificate'),
    serverName: z
      .string()
      .optional()
      .describe('Name expected in the server certificate when it differs from host'),
    trustServerCertificate: z.boolean().default(false).describe('Accept any certificate; for tests only'),
  })
  .prefault({});

const sqlAuthenticationSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('sql'), user: z.string().min(1), password: secretReferenceSchema }),
  z.strictObject({
    type: z.literal('entra'),
    tokenScope: z.string().default('https://database.windows.net/.default'),
  }),
]);

const portSchema = z.int().min(1).max(65535);

export const sqlServerSchema = z.strictObject({
  host: z.string().min(1).describe('Name or address at which the worker reaches the SQL Server'),
  port: portSchema.default(1433),
  tls: tlsSchema,
  authentication: sqlAuthenticationSchema,
  endpoint: z.strictObject({
    address: z
      .string()
      .min(1)
      .describe('Name or IP address at which the managed instance reaches the mirroring endpoint'),
    port: portSchema.default(5022),
    name: z
      .string()
      .min(1)
      .max(128)
      .default('database_mirroring_endpoint')
      .describe('Used when it is created'),
  }),
  masterKeyPassword: secretReferenceSchema
    .optional()
    .describe('Used only when the master database has no master key yet'),
});
export type SqlServer = z.output<typeof sqlServerSchema>;

const RESOURCE_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Sql\/managedInstances\/[^/]+$/i;

export const managedInstanceSchema = z.strictObject({
  resourceId: z
    .string()
    .regex(
      RESOURCE_ID,
      'must be /subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.Sql/managedInstances/NAME',
    ),
  host: z.string().min(1).optional().describe('VNet-local host; by default the FQDN that Azure reports'),
  port: portSchema.default(1433),
  tls: tlsSchema,
  authentication: sqlAuthenticationSchema,
});
export type ManagedInstance = z.output<typeof managedInstanceSchema>;

export const azureSchema = z
  .strictObject({
    endpoint: z.url({ protocol: /^https$/ }).default('https://management.azure.com'),
    authorityHost: z.url({ protocol: /^https$/ }).optional(),
    caFile: z
      .string()
      .optional()
      .describe('PEM file trusted for endpoint and authorityHost, beside the usual roots'),
    credential: z
      .discriminatedUnion('type', [
        z.strictObject({ type: z.literal('default') }),
        z.strictObject({ type: z.literal('managed-identity'), clientId: z.string().optional() }),
        z.strictObject({
          type: z.literal('client-secret'),
          tenantId: z.string().min(1),
          clientId: z.string().min(1),
          clientSecret: secretReferenceSchema,
        }),
      ])
      .prefault({ type: 'default' }),
  })
  .prefault({});
export type AzureAccess = z.output<typeof azureSchema>;

/** inventory.yaml: which instances there are and how they are reached. */
export const inventorySchema = z.strictObject({
  apiVersion: z.literal('sqlferry/v1'),
  kind: z.literal('Inventory'),
  azure: azureSchema,
  sqlServers: z.record(nameSchema, sqlServerSchema),
  managedInstances: z.record(nameSchema, managedInstanceSchema),
});
export type Inventory = z.output<typeof inventorySchema>;
