/** Parsed administrative statements. What T-SQL allows as a variable stays an expression for the engine. */
import type { AdministrativeStatement } from '../../sql/host';

/** A literal, or a variable that the engine evaluates when the statement runs. */
export type Text =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'expression'; readonly expression: unknown };

export type NumberOrVariable = { readonly kind: 'number'; readonly value: number } | Text;

export interface ReplicaOptions {
  readonly endpointUrl?: string;
  readonly listenerUrl?: string;
  readonly availabilityMode?: 'SYNCHRONOUS_COMMIT' | 'ASYNCHRONOUS_COMMIT' | 'CONFIGURATION_ONLY';
  readonly failoverMode?: 'AUTOMATIC' | 'MANUAL' | 'EXTERNAL';
  readonly seedingMode?: 'AUTOMATIC' | 'MANUAL';
  readonly sessionTimeout?: number;
  readonly backupPriority?: number;
  readonly secondaryConnections?: 'NO' | 'READ_ONLY' | 'ALL';
  readonly primaryConnections?: 'READ_WRITE' | 'ALL';
  readonly readOnlyRoutingUrl?: string;
  readonly readWriteRoutingUrl?: string;
  readonly readOnlyRoutingList?: readonly string[];
}

export interface ReplicaClause {
  readonly name: string;
  readonly options: ReplicaOptions;
}

export interface GroupOptions {
  readonly clusterType?: 'WSFC' | 'EXTERNAL' | 'NONE';
  readonly basic?: boolean;
  readonly contained?: boolean;
  readonly dbFailover?: boolean;
  readonly dtcSupport?: string;
  readonly backupPreference?: string;
  readonly failureConditionLevel?: number;
  readonly healthCheckTimeout?: number;
  readonly requiredSynchronizedSecondaries?: number;
}

export interface ListenerClause {
  readonly dnsName: string;
  readonly port: number;
  readonly addresses: readonly { readonly ip: string; readonly mask?: string }[];
  readonly dhcp?: boolean;
}

export type GroupAction =
  | { readonly kind: 'join'; readonly clusterType?: 'WSFC' | 'EXTERNAL' | 'NONE' }
  | { readonly kind: 'join-distributed'; readonly groups: readonly ReplicaClause[] }
  | { readonly kind: 'set-options'; readonly options: GroupOptions }
  | { readonly kind: 'set-role-secondary' }
  | { readonly kind: 'add-databases'; readonly databases: readonly string[] }
  | { readonly kind: 'remove-databases'; readonly databases: readonly string[] }
  | { readonly kind: 'add-replica'; readonly replica: ReplicaClause }
  | { readonly kind: 'modify-replica'; readonly replica: ReplicaClause }
  | { readonly kind: 'remove-replica'; readonly name: string }
  | { readonly kind: 'modify-groups'; readonly groups: readonly ReplicaClause[] }
  | { readonly kind: 'create-any-database'; readonly granted: boolean }
  | { readonly kind: 'add-listener'; readonly listener: ListenerClause }
  | {
      readonly kind: 'modify-listener';
      readonly dnsName: string;
      readonly port?: number;
      readonly address?: { readonly ip: string; readonly mask?: string };
    }
  | { readonly kind: 'remove-listener'; readonly dnsName: string }
  | { readonly kind: 'restart-listener'; readonly dnsName: string }
  | { readonly kind: 'failover' }
  | { readonly kind: 'force-failover' }
  | { readonly kind: 'offline' };

export type Termination =
  | { readonly kind: 'immediate' }
  | { readonly kind: 'after'; readonly seconds: number }
  | { readonly kind: 'no-wait' };

export type DatabaseOption =
  | { readonly kind: 'recovery'; readonly model: 'FULL' | 'SIMPLE' | 'BULK_LOGGED' }
  | { readonly kind: 'access'; readonly access: 'SINGLE_USER' | 'RESTRICTED_USER' | 'MULTI_USER' }
  | { readonly kind: 'state'; readonly state: 'ONLINE' | 'OFFLINE' | 'EMERGENCY' }
  | { readonly kind: 'updatability'; readonly readOnly: boolean }
  | { readonly kind: 'compatibility'; readonly level: number }
  | { readonly kind: 'broker'; readonly mode: 'ENABLE_BROKER' | 'DISABLE_BROKER' | 'NEW_BROKER' }
  | { readonly kind: 'encryption'; readonly on: boolean }
  | { readonly kind: 'adr'; readonly on: boolean; readonly filegroup?: string }
  | { readonly kind: 'switch'; readonly name: string; readonly on: boolean }
  | { readonly kind: 'value'; readonly name: string; readonly value: string };

export type HadrAction =
  | { readonly kind: 'join'; readonly group: string }
  | { readonly kind: 'off' }
  | { readonly kind: 'suspend' }
  | { readonly kind: 'resume' };

export interface FileClause {
  readonly logicalName: string;
  readonly path?: string;
  readonly newName?: string;
  readonly sizeBytes?: number;
  readonly maxSizeBytes?: number | 'UNLIMITED';
  readonly growthBytes?: number;
  readonly growthPercent?: number;
}

export interface BackupOptions {
  readonly copyOnly: boolean;
  readonly compression: boolean;
  readonly checksum: boolean;
  readonly differential: boolean;
  readonly noRecovery: boolean;
  readonly noTruncate: boolean;
  readonly init: boolean;
  readonly format: boolean;
  readonly stats?: number;
  readonly name?: Text;
  readonly description?: Text;
  readonly mediaName?: Text;
  readonly credential?: string;
}

export interface BackupDevice {
  readonly type: 'DISK' | 'URL' | 'TAPE' | 'LOGICAL';
  readonly path: Text;
}

export interface RestoreOptions {
  readonly recovery: 'RECOVERY' | 'NORECOVERY' | 'STANDBY';
  readonly replace: boolean;
  readonly stats?: number;
  readonly file?: number;
  readonly moves: readonly { readonly logicalName: Text; readonly path: Text }[];
}

/** LOGIN passwords: clear text, or the stored hash in hexadecimal. */
export type PasswordClause =
  | { readonly kind: 'clear'; readonly password: string; readonly mustChange: boolean }
  | { readonly kind: 'hash'; readonly hash: Uint8Array };

export interface LoginOptions {
  readonly password?: PasswordClause;
  readonly sid?: Uint8Array;
  readonly defaultDatabase?: string;
  readonly defaultLanguage?: string;
  readonly checkPolicy?: boolean;
  readonly checkExpiration?: boolean;
  readonly newName?: string;
  readonly unlock?: boolean;
}

export interface EndpointProtocol {
  readonly port?: number;
  readonly address?: string;
}

export interface MirroringPayload {
  readonly role?: 'WITNESS' | 'PARTNER' | 'ALL';
  readonly authentication?: {
    /** As sys.database_mirroring_endpoints.connection_auth_desc says it, for example `NEGOTIATE, CERTIFICATE`. */
    readonly description: string;
    readonly certificate?: string;
  };
  readonly encryption?: {
    readonly mode: 'DISABLED' | 'SUPPORTED' | 'REQUIRED';
    readonly algorithm: 'NONE' | 'RC4' | 'AES' | 'AES, RC4' | 'RC4, AES';
  };
}

export interface PermissionClause {
  readonly permissions: readonly string[];
  readonly securable?: { readonly class: string; readonly name: string };
  readonly principals: readonly string[];
  readonly withGrantOption: boolean;
  readonly grantor?: string;
}

interface Located {
  readonly line: number;
}

export type Statement = Located &
  (
    | {
        readonly kind: 'create-availability-group';
        readonly name: string;
        readonly options: GroupOptions;
        readonly databases: readonly string[];
        readonly replicas: readonly ReplicaClause[];
        readonly listener?: ListenerClause;
      }
    | {
        readonly kind: 'create-distributed-availability-group';
        readonly name: string;
        readonly groups: readonly ReplicaClause[];
      }
    | { readonly kind: 'alter-availability-group'; readonly name: string; readonly action: GroupAction }
    | { readonly kind: 'drop-availability-group'; readonly name: string }
    | {
        readonly kind: 'alter-database-set';
        readonly database: string | undefined;
        readonly options: readonly DatabaseOption[];
        readonly termination?: Termination;
      }
    | { readonly kind: 'alter-database-hadr'; readonly database: string; readonly action: HadrAction }
    | {
        readonly kind: 'alter-database-files';
        readonly database: string | undefined;
        readonly action: 'add-file' | 'add-log' | 'modify' | 'remove';
        readonly file: FileClause;
        readonly filegroup?: string;
      }
    | {
        readonly kind: 'alter-database-filegroup';
        readonly database: string | undefined;
        readonly filegroup: string;
        readonly contains?: 'FILESTREAM' | 'MEMORY_OPTIMIZED_DATA';
        readonly remove?: boolean;
      }
    | { readonly kind: 'rename-database'; readonly database: string; readonly newName: string }
    | {
        readonly kind: 'create-database';
        readonly name: string;
        readonly data: readonly FileClause[];
        readonly log: readonly FileClause[];
        readonly collation?: string;
      }
    | { readonly kind: 'drop-database'; readonly names: readonly string[]; readonly ifExists: boolean }
    | {
        readonly kind: 'backup';
        readonly what: 'DATABASE' | 'LOG';
        readonly database: Text;
        readonly devices: readonly BackupDevice[];
        readonly options: BackupOptions;
      }
    | {
        readonly kind: 'restore';
        readonly what: 'DATABASE' | 'LOG';
        readonly database: Text;
        readonly devices: readonly BackupDevice[];
        readonly options: RestoreOptions;
      }
    | {
        readonly kind: 'inspect-backup';
        readonly what: 'VERIFYONLY' | 'HEADERONLY' | 'FILELISTONLY' | 'LABELONLY';
        readonly devices: readonly BackupDevice[];
      }
    | { readonly kind: 'create-master-key'; readonly password?: string }
    | { readonly kind: 'alter-master-key'; readonly password?: string; readonly force: boolean }
    | { readonly kind: 'drop-master-key' }
    | { readonly kind: 'open-master-key'; readonly password: string }
    | { readonly kind: 'close-master-key' }
    | { readonly kind: 'backup-master-key'; readonly path: string }
    | {
        readonly kind: 'create-certificate';
        readonly name: string;
        readonly source:
          | {
              readonly kind: 'self-signed';
              readonly subject: string;
              readonly start?: string;
              readonly expiry?: string;
            }
          | { readonly kind: 'binary'; readonly der: Uint8Array }
          | { readonly kind: 'file'; readonly path: string };
        readonly activeForDialog: boolean;
      }
    | { readonly kind: 'alter-certificate'; readonly name: string; readonly activeForDialog?: boolean }
    | { readonly kind: 'drop-certificate'; readonly name: string }
    | {
        readonly kind: 'backup-certificate';
        readonly name: string;
        readonly path: string;
        readonly privateKeyPath?: string;
      }
    | {
        readonly kind: 'create-endpoint';
        readonly name: string;
        readonly state: EndpointStateWord;
        readonly protocol: EndpointProtocol;
        readonly payload: MirroringPayload;
      }
    | {
        readonly kind: 'alter-endpoint';
        readonly name: string;
        readonly state?: EndpointStateWord;
        readonly protocol?: EndpointProtocol;
        readonly payload?: MirroringPayload;
      }
    | { readonly kind: 'drop-endpoint'; readonly name: string }
    | {
        readonly kind: 'alter-authorization';
        readonly class: string;
        readonly name: string;
        readonly owner: string;
      }
    | {
        readonly kind: 'create-login';
        readonly name: string;
        readonly source: 'PASSWORD' | 'WINDOWS' | 'EXTERNAL PROVIDER' | 'CERTIFICATE';
        readonly certificate?: string;
        readonly options: LoginOptions;
      }
    | {
        readonly kind: 'alter-login';
        readonly name: string;
        readonly enable?: boolean;
        readonly options: LoginOptions;
      }
    | { readonly kind: 'drop-login'; readonly name: string }
    | {
        readonly kind: 'create-user';
        readonly name: string;
        readonly login?: string;
        readonly without: boolean;
        readonly external: boolean;
        readonly defaultSchema?: string;
        readonly password?: string;
      }
    | {
        readonly kind: 'alter-user';
        readonly name: string;
        readonly login?: string;
        readonly newName?: string;
        readonly defaultSchema?: string;
      }
    | { readonly kind: 'drop-user'; readonly name: string; readonly ifExists: boolean }
    | {
        readonly kind: 'role';
        readonly scope: 'server' | 'database';
        readonly action: 'create' | 'drop' | 'add-member' | 'drop-member';
        readonly role: string;
        readonly member?: string;
      }
    | {
        readonly kind: 'permission';
        readonly action: 'GRANT' | 'DENY' | 'REVOKE';
        readonly clause: PermissionClause;
      }
    | { readonly kind: 'kill'; readonly spid: number; readonly statusOnly: boolean }
    | {
        readonly kind: 'dbcc';
        readonly command: string;
        readonly arguments: readonly DbccArgument[];
        readonly options: readonly string[];
      }
    | { readonly kind: 'reconfigure'; readonly override: boolean }
    | { readonly kind: 'checkpoint' }
    | { readonly kind: 'shutdown'; readonly noWait: boolean }
    | {
        readonly kind: 'create-credential';
        readonly action: 'CREATE' | 'ALTER' | 'DROP';
        readonly name: string;
        readonly identity?: string;
      }
  );

export type EndpointStateWord = 'STARTED' | 'STOPPED' | 'DISABLED';

export type DbccArgument = string | number | { readonly expression: unknown };

/** With its own text, cut out of the batch, for the effect journal. */
export type ParsedStatement = Statement & AdministrativeStatement & { readonly text: string };
