/** Four-part builds of SQL Server, for example 16.0.4165.4. */

export interface Build {
  readonly major: number;
  readonly minor: number;
  readonly build: number;
  readonly revision: number;
}

export type SqlServerYear = 2016 | 2017 | 2019 | 2022 | 2025;

const YEARS: Readonly<Record<number, SqlServerYear>> = { 13: 2016, 14: 2017, 15: 2019, 16: 2022, 17: 2025 };

/** @returns undefined when the text is no build of two to four numbers; parts left out are 0 */
export function parseBuild(text: string): Build | undefined {
  const match = /^\s*(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?\s*$/.exec(text);
  if (match === null) return undefined;
  const part = (index: number): number => Number(match[index] ?? 0);
  return { major: part(1), minor: part(2), build: part(3), revision: part(4) };
}

/** @returns negative, zero or positive, as `a` is before, equal to or after `b` */
export function compareBuilds(a: Build, b: Build): number {
  return a.major - b.major || a.minor - b.minor || a.build - b.build || a.revision - b.revision;
}

/** @returns undefined when either text is no build */
export function isAtLeastBuild(text: string, minimum: string): boolean | undefined {
  const build = parseBuild(text);
  const least = parseBuild(minimum);
  return build === undefined || least === undefined ? undefined : compareBuilds(build, least) >= 0;
}

/** @returns year of the release; undefined for releases before 2016 and ones that this table does not know */
export function releaseYear(build: Build): SqlServerYear | undefined {
  return YEARS[build.major];
}

/** @returns 27 for `CU27` or `CU27-GDR`; undefined when the server reports no cumulative update */
export function cumulativeUpdate(productUpdateLevel: string | null): number | undefined {
  const match = /^CU(\d+)/i.exec(productUpdateLevel ?? '');
  return match === null ? undefined : Number(match[1]);
}
