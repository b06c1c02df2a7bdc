/** What a managed instance finds wrong with a database that is to be linked (error table 41939-41988). */
import type { DatabaseFormat, SqlServerYear } from './model';
import type { DatabaseCopy, MutableInstance } from './state';

export interface SourceProblem {
  readonly number: number;
  readonly code: string;
  readonly message: string;
}

/** Files of one database on General Purpose. */
const MAX_FILES = 280;

export function sourceProblem(
  server: MutableInstance,
  managed: MutableInstance,
  source: DatabaseCopy,
): SourceProblem | undefined {
  const { files, filegroups, options } = source;
  const generalPurpose = managed.managed?.tier === 'GeneralPurpose';
  const found = (number: number, code: string, message: string): SourceProblem => ({ number, code, message });
  const name = `'${source.name}'`;
  if (!formatAccepts(managed.managed?.databaseFormat, server.version.year)) {
    // The REST code is not published (inferred).
    return found(
      41984,
      'ManagedInstanceLinkDatabaseFormatNotCompatible',
      `The database format of the managed instance is not compatible with SQL Server ${server.version.year}.`,
    );
  }
  if (files.filter((file) => file.type === 'LOG').length > 1) {
    return found(
      41948,
      'ManagedInstanceLinkSourceDbHasMultipleLogFiles',
      `Database ${name} has several log files.`,
    );
  }
  if (generalPurpose && files.length > MAX_FILES) {
    return found(
      41949,
      'ManagedInstanceLinkUnsupportedNumberOfFilesOnSourceDb',
      `Database ${name} has more than ${MAX_FILES} files.`,
    );
  }
  if (filegroups.some((group) => group.type === 'FD')) {
    return found(41950, 'ManagedInstanceLinkSourceDbHasFilestream', `Database ${name} has FILESTREAM data.`);
  }
  if (files.some((file) => file.state === 'DEFUNCT')) {
    return found(41951, 'ManagedInstanceLinkSourceDbHasDefunctFiles', `Database ${name} has defunct files.`);
  }
  if (generalPurpose && filegroups.some((group) => group.type === 'FX')) {
    return found(
      41947,
      'ManagedInstanceLinkSourceDbHasHekatonFile',
      `Database ${name} has a memory-optimized filegroup; the General Purpose tier lacks In-Memory OLTP.`,
    );
  }
  if (
    options.tdeThumbprint !== undefined &&
    managed.managed?.tdeThumbprints.has(options.tdeThumbprint) !== true
  ) {
    return found(
      41923,
      'ManagedInstanceLinkTdeCertificateMissing',
      `The certificate that protects database ${name} (thumbprint ${options.tdeThumbprint}) is not on the managed instance.`,
    );
  }
  if (options.acceleratedRecovery && options.versionStoreFilegroup.toUpperCase() !== 'PRIMARY') {
    return found(
      41939,
      'ManagedInstanceLinkUnsupportedFeature',
      `The persistent version store of database ${name} is not in the PRIMARY filegroup.`,
    );
  }
  if (options.unsupportedFeature !== undefined) {
    return found(
      41952,
      'ManagedInstanceLinkUnsupportedFeature',
      `Database ${name} uses ${options.unsupportedFeature}, which the managed instance does not support.`,
    );
  }
  return undefined;
}

/** One-way: up to 2022 any format takes it; 2025 needs SQLServer2025 or AlwaysUpToDate. */
function formatAccepts(format: DatabaseFormat | undefined, year: SqlServerYear): boolean {
  return year !== 2025 || format !== 'SQLServer2022';
}

/** Both ways only between equal formats (update policy page). */
export function formatsMatch(format: DatabaseFormat | undefined, year: SqlServerYear): boolean {
  return (year === 2022 && format === 'SQLServer2022') || (year === 2025 && format === 'SQLServer2025');
}
