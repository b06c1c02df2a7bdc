/** SQL Server builds by year and update, and their order. */
import type { ServerVersion, SqlServerYear } from './model';

interface Build {
  readonly productVersion: string;
  readonly level: string;
  readonly update?: string;
}

/** Builds that the link's documentation names, and some around them. */
const BUILDS: Readonly<Record<SqlServerYear, Readonly<Record<string, Build>>>> = {
  2016: {
    SP2: { productVersion: '13.0.5026.0', level: 'SP2' },
    SP3: { productVersion: '13.0.6300.2', level: 'SP3' },
    AzureConnect: { productVersion: '13.0.7000.253', level: 'SP3' },
  },
  2017: {
    RTM: { productVersion: '14.0.1000.169', level: 'RTM' },
    CU31: { productVersion: '14.0.3456.2', level: 'RTM', update: 'CU31' },
    AzureConnect: { productVersion: '14.0.3490.10', level: 'RTM', update: 'CU31' },
  },
  2019: {
    RTM: { productVersion: '15.0.2000.5', level: 'RTM' },
    CU17: { productVersion: '15.0.4249.2', level: 'RTM', update: 'CU17' },
    CU20: { productVersion: '15.0.4312.2', level: 'RTM', update: 'CU20' },
    CU27: { productVersion: '15.0.4375.4', level: 'RTM', update: 'CU27' },
  },
  2022: {
    RTM: { productVersion: '16.0.1000.6', level: 'RTM' },
    CU5: { productVersion: '16.0.4045.3', level: 'RTM', update: 'CU5' },
    CU10: { productVersion: '16.0.4095.4', level: 'RTM', update: 'CU10' },
    CU12: { productVersion: '16.0.4115.5', level: 'RTM', update: 'CU12' },
    CU13: { productVersion: '16.0.4125.3', level: 'RTM', update: 'CU13' },
    CU14: { productVersion: '16.0.4135.4', level: 'RTM', update: 'CU14' },
    CU16: { productVersion: '16.0.4165.4', level: 'RTM', update: 'CU16' },
    // Brings links of several databases (extend page); the build number is inferred.
    CU27: { productVersion: '16.0.4300.1', level: 'RTM', update: 'CU27' },
  },
  2025: {
    RTM: { productVersion: '17.0.1000.7', level: 'RTM' },
    // Brings links of several databases (extend page); the build number is inferred.
    CU9: { productVersion: '17.0.4090.1', level: 'RTM', update: 'CU9' },
  },
};

const NEWEST: Readonly<Record<SqlServerYear, string>> = {
  2016: 'AzureConnect',
  2017: 'AzureConnect',
  2019: 'CU27',
  2022: 'CU16',
  2025: 'RTM',
};

/**
 * @param update name of an update (`CU16`), a build (`16.0.4165.4`), or undefined for the newest known
 * @returns undefined when the name is not known
 */
export function resolveVersion(year: SqlServerYear, update = NEWEST[year]): ServerVersion | undefined {
  const named = BUILDS[year][update];
  const known = named ?? Object.values(BUILDS[year]).find((build) => build.productVersion === update);
  const isBuild = /^\d+\.\d+\.\d+\.\d+$/.test(update);
  if (!known && !isBuild) return undefined;
  const productVersion = known?.productVersion ?? update;
  const [major = 0, minor = 0, build = 0, revision = 0] = parts(productVersion);
  return {
    year,
    major,
    minor,
    build,
    revision,
    productVersion,
    productLevel: known?.level ?? 'RTM',
    ...(known?.update === undefined ? {} : { updateLevel: known.update }),
  };
}

export const knownUpdates = (year: SqlServerYear): readonly string[] => Object.keys(BUILDS[year]);

/** True when the version is of the build's major version and not older, or of a later major version. */
export function atLeast(version: ServerVersion, productVersion: string): boolean {
  const wanted = parts(productVersion);
  const actual = [version.major, version.minor, version.build, version.revision];
  for (let index = 0; index < 4; index += 1) {
    const difference = (actual[index] ?? 0) - (wanted[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

const parts = (productVersion: string): number[] => productVersion.split('.').map(Number);
