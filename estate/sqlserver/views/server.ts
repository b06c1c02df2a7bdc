/** The server itself: settings, host, services, counters, messages; fabric views of a managed instance. */

import type { SessionContext } from '../context';
import { allMessages } from '../messages/catalogue';
import { dateTime, intType, stableGuid, stableHash, variant } from '../values';
import {
  bigint,
  bit,
  char,
  datetime,
  defineView,
  guid,
  int,
  notNull,
  nvarchar,
  since,
  smallint,
  tinyint,
  variantColumn,
} from './definition';

const permission = 'VIEW SERVER STATE';

const counterColumns = {
  object_name: notNull(char(128)),
  counter_name: notNull(char(128)),
  instance_name: char(128),
  cntr_value: notNull(bigint),
  cntr_type: notNull(int),
} as const;

/** 65792 = raw value, 272696576 = per second (cumulative). */
const rawCounter = 65_792;
const rateCounter = 272_696_576;

function* haCounters(context: SessionContext) {
  const rows = context.world.groups.databaseReplicaStates(context.instanceName).filter((row) => !row.isLocal);
  const replicas = context.world.groups.replicaStates(context.instanceName).filter((row) => !row.isLocal);
  for (const row of replicas) {
    const rate = rows
      .filter((database) => database.replicaId === row.replicaId)
      .reduce((sum, database) => sum + (database.logSendRate ?? 0), 0);
    yield counter(
      'SQLServer:Availability Replica',
      'Bytes Sent to Replica/sec',
      `${row.groupName}:${row.replicaName}`,
      rate,
      rateCounter,
    );
  }
  for (const row of rows) {
    const object = 'SQLServer:Database Replica';
    yield counter(
      object,
      'Log Send Queue',
      row.databaseName,
      (row.logSendQueueBytes ?? 0) / 1024,
      rawCounter,
    );
    yield counter(object, 'Recovery Queue', row.databaseName, (row.redoQueueBytes ?? 0) / 1024, rawCounter);
    yield counter(object, 'Redone Bytes/sec', row.databaseName, row.redoRate ?? 0, rateCounter);
  }
  for (const database of context.userDatabases()) {
    const log = context.world.databases.log(context.instanceName, database.name);
    const object = 'SQLServer:Databases';
    yield counter(object, 'Log File(s) Size (KB)', database.name, log.sizeBytes / 1024, rawCounter);
    yield counter(
      object,
      'Log File(s) Used Size (KB)',
      database.name,
      Math.max(log.usedBytes, logHeaderBytes) / 1024,
      rawCounter,
    );
    yield counter(object, 'Percent Log Used', database.name, log.usedPercent, rawCounter);
  }
}

/** Pages that a log uses before its first record (inferred): a real counter never says 0. */
const logHeaderBytes = 64 * 8192;

const counter = (object: string, name: string, instance: string, value: number, type: number) => ({
  object_name: object.padEnd(128),
  counter_name: name.padEnd(128),
  instance_name: instance.padEnd(128).slice(0, 128),
  cntr_value: BigInt(Math.round(value)),
  cntr_type: type,
});

/** Parameters of the fabric that the network test of the link reads (DnsRecordName, HadrPort, ClusterName). */
const fabricParameters = (context: SessionContext) => {
  const { managed } = context.instance;
  if (managed === undefined) return [];
  const parameter = (section: string, name: string, value: string) => ({
    section_name: section,
    parameter_name: name,
    value,
    is_encrypted: false,
  });
  return [
    parameter('SQL', 'DnsRecordName', managed.fullyQualifiedDomainName),
    parameter('SQL', 'InstanceName', fabricInstance(context)),
    parameter('SQL', 'HadrPort', String(managed.hadrPort)),
    parameter(
      'SQL',
      'ClusterName',
      `tr${(stableHash(managed.dnsZone) % 9000) + 1000}.${managed.location}1-a.worker.database.windows.net`,
    ),
  ];
};

const fabricInstance = (context: SessionContext): string =>
  stableGuid(`fabric/${context.instanceName}`).replace(/-/g, '').slice(0, 12).toLowerCase();

const fabricPartition = (context: SessionContext): string => stableGuid(`partition/${context.instanceName}`);

export const serverViews = [
  defineView('sys.configurations', {
    columns: {
      configuration_id: notNull(int),
      name: notNull(nvarchar(35)),
      value: variantColumn,
      minimum: variantColumn,
      maximum: variantColumn,
      value_in_use: variantColumn,
      description: notNull(nvarchar(255)),
      is_dynamic: notNull(bit),
      is_advanced: notNull(bit),
    },
    rows: (context) =>
      context.state.configurations.map((entry) => ({
        configuration_id: entry.id,
        name: entry.name,
        value: variant(intType, entry.value),
        minimum: variant(intType, entry.minimum),
        maximum: variant(intType, entry.maximum),
        value_in_use: variant(intType, entry.valueInUse),
        description: entry.description,
        is_dynamic: entry.dynamic,
        is_advanced: entry.advanced,
      })),
  }),
  defineView('sys.dm_os_sys_info', {
    permission,
    columns: {
      cpu_ticks: notNull(bigint),
      ms_ticks: notNull(bigint),
      cpu_count: notNull(int),
      hyperthread_ratio: notNull(int),
      physical_memory_kb: notNull(bigint),
      virtual_memory_kb: notNull(bigint),
      committed_kb: notNull(bigint),
      committed_target_kb: notNull(bigint),
      max_workers_count: notNull(int),
      scheduler_count: notNull(int),
      sqlserver_start_time_ms_ticks: notNull(bigint),
      sqlserver_start_time: notNull(datetime),
      virtual_machine_type: notNull(int),
      virtual_machine_type_desc: notNull(nvarchar(60)),
      softnuma_configuration: notNull(int),
      socket_count: notNull(int),
      cores_per_socket: notNull(int),
      numa_node_count: notNull(int),
      container_type: since(15, int),
      container_type_desc: since(15, nvarchar(60)),
    },
    rows: (context) => {
      const cpus = context.instance.managed?.vCores ?? 8;
      return [
        {
          cpu_ticks: BigInt(Math.round(context.now())) * 2_000_000n,
          ms_ticks: BigInt(Math.round(context.now())),
          cpu_count: cpus,
          hyperthread_ratio: cpus,
          physical_memory_kb: BigInt(cpus) * 5_347_737n,
          virtual_memory_kb: 137_438_953_344n,
          committed_kb: 4_194_304n,
          committed_target_kb: BigInt(cpus) * 4_000_000n,
          max_workers_count: 512 + Math.max(0, cpus - 4) * 16,
          scheduler_count: cpus,
          sqlserver_start_time_ms_ticks: BigInt(Math.round(context.instance.startedAt)),
          sqlserver_start_time: dateTime(context.instance.startedAt),
          virtual_machine_type: 1,
          virtual_machine_type_desc: 'HYPERVISOR',
          softnuma_configuration: 0,
          socket_count: 1,
          cores_per_socket: cpus,
          numa_node_count: 1,
          container_type: 0,
          container_type_desc: 'NONE',
        },
      ];
    },
  }),
  defineView('sys.dm_os_host_info', {
    permission,
    since: 14,
    columns: {
      host_platform: notNull(nvarchar(256)),
      host_distribution: notNull(nvarchar(256)),
      host_release: notNull(nvarchar(256)),
      host_service_pack_level: notNull(nvarchar(256)),
      host_sku: int,
      os_language_version: notNull(int),
      host_architecture: since(15, nvarchar(256)),
    },
    rows: (context) => {
      const linux = context.instance.platform === 'linux';
      return [
        {
          host_platform: linux ? 'Linux' : 'Windows',
          host_distribution: linux ? 'Ubuntu' : 'Windows Server 2022 Standard',
          host_release: linux ? '22.04' : '10.0',
          host_service_pack_level: '',
          host_sku: linux ? null : 7,
          os_language_version: linux ? 0 : 1033,
          host_architecture: 'X64',
        },
      ];
    },
  }),
  defineView('sys.dm_os_windows_info', {
    permission,
    columns: {
      windows_release: notNull(nvarchar(256)),
      windows_service_pack_level: notNull(nvarchar(256)),
      windows_sku: int,
      os_language_version: notNull(int),
    },
    rows: () => [
      { windows_release: '10.0', windows_service_pack_level: '', windows_sku: 7, os_language_version: 1033 },
    ],
  }),
  defineView('sys.dm_server_services', {
    permission,
    columns: {
      servicename: notNull(nvarchar(256)),
      startup_type: int,
      startup_type_desc: notNull(nvarchar(256)),
      status: int,
      status_desc: notNull(nvarchar(256)),
      process_id: int,
      last_startup_time: nvarchar(256),
      service_account: notNull(nvarchar(256)),
      filename: notNull(nvarchar(256)),
      is_clustered: notNull(nvarchar(1)),
      cluster_nodename: nvarchar(256),
    },
    rows: (context) =>
      context.managedInstance
        ? []
        : [
            ['SQL Server (MSSQLSERVER)', 'NT Service\\MSSQLSERVER', 'sqlservr.exe'] as const,
            ['SQL Server Agent (MSSQLSERVER)', 'NT Service\\SQLSERVERAGENT', 'SQLAGENT.EXE'] as const,
          ].map(([servicename, account, file]) => ({
            servicename,
            startup_type: 2,
            startup_type_desc: 'Automatic',
            status: 4,
            status_desc: 'Running',
            process_id: 1234,
            last_startup_time: new Date(context.instance.startedAt).toISOString(),
            service_account: account,
            filename: `C:\\Program Files\\Microsoft SQL Server\\MSSQL${context.major}.MSSQLSERVER\\MSSQL\\Binn\\${file}`,
            is_clustered: 'N',
          })),
  }),
  defineView('sys.dm_os_performance_counters', { permission, columns: counterColumns, rows: haCounters }),
  defineView('sys.messages', {
    columns: {
      message_id: notNull(int),
      language_id: notNull(smallint),
      severity: tinyint,
      is_event_logged: notNull(bit),
      text: notNull(nvarchar(2048)),
    },
    rows: (context) =>
      [...allMessages(), ...context.state.messages].map(([number, definition]) => ({
        message_id: number,
        language_id: 1033,
        severity: definition.severity,
        is_event_logged: false,
        text: definition.text,
      })),
  }),
  defineView('sys.syslanguages', {
    columns: {
      langid: notNull(smallint),
      dateformat: char(3),
      name: notNull(nvarchar(128)),
      alias: nvarchar(128),
      lcid: int,
    },
    rows: () => [{ langid: 0, dateformat: 'mdy', name: 'us_english', alias: 'English', lcid: 1033 }],
  }),
  defineView('sys.dm_hadr_fabric_config_parameters', {
    permission,
    managedInstanceOnly: true,
    columns: {
      section_name: nvarchar(128),
      parameter_name: nvarchar(128),
      value: nvarchar(4000),
      is_encrypted: bit,
    },
    rows: fabricParameters,
  }),
  defineView('sys.dm_hadr_fabric_partitions', {
    permission,
    managedInstanceOnly: true,
    columns: { partition_id: guid, service_name: nvarchar(256), application_name: nvarchar(256) },
    rows: (context) => [
      {
        partition_id: fabricPartition(context),
        service_name: `fabric:/Worker.ISO.Premium/${fabricInstance(context)}/SQL.ManagedServer`,
        application_name: `fabric:/Worker.ISO.Premium/${fabricInstance(context)}`,
      },
    ],
  }),
  defineView('sys.dm_hadr_fabric_replicas', {
    permission,
    managedInstanceOnly: true,
    columns: {
      partition_id: guid,
      replica_id: bigint,
      node_name: nvarchar(256),
      replica_role: int,
      replica_role_desc: nvarchar(60),
      replica_address: nvarchar(4000),
    },
    rows: (context) => {
      const node = context.instance.managed?.fabricNode ?? '';
      return [
        {
          partition_id: fabricPartition(context),
          replica_id: 131_000_000_000_000_001n,
          node_name: node,
          replica_role: 2,
          replica_role_desc: 'PRIMARY',
          replica_address: `TCP://${node}:${context.instance.managed?.hadrPort ?? 0}`,
        },
      ];
    },
  }),
  defineView('sys.dm_hadr_fabric_nodes', {
    permission,
    managedInstanceOnly: true,
    columns: {
      node_name: nvarchar(256),
      node_type: nvarchar(128),
      ip_address_or_FQDN: nvarchar(256),
      fault_domain: nvarchar(128),
    },
    rows: (context) => [
      {
        node_name: context.instance.managed?.fabricNode ?? '',
        node_type: 'DB',
        ip_address_or_FQDN: context.instance.managed?.fabricNode ?? '',
        fault_domain: 'fd:/0',
      },
    ],
  }),
  defineView('sys.server_resource_stats', {
    managedInstanceOnly: true,
    columns: {
      start_time: datetime,
      end_time: datetime,
      resource_name: nvarchar(128),
      sku: nvarchar(128),
      hardware_generation: nvarchar(128),
      virtual_core_count: int,
      reserved_storage_mb: bigint,
      storage_space_used_mb: bigint,
    },
    rows: (context) => [
      {
        start_time: dateTime(context.now() - 15_000),
        end_time: dateTime(context.now()),
        resource_name: context.instance.name,
        sku: context.instance.managed?.tier ?? 'GeneralPurpose',
        hardware_generation: 'Gen5',
        virtual_core_count: context.instance.managed?.vCores ?? 8,
        reserved_storage_mb: BigInt((context.instance.managed?.storageSizeInGB ?? 32) * 1024),
        storage_space_used_mb: BigInt(
          Math.round(
            context.userDatabases().reduce((sum, database) => sum + database.dataBytes, 0) / 1_048_576,
          ),
        ),
      },
    ],
  }),
];
