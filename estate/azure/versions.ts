/**
 * Which api-versions each resource type answers, and how the link's model changed between them.
 * Sources: azure-rest-api-specs Microsoft.Sql folders and the templates reference of each version.
 */
const SQL_2015_TO_2020 = [
  '2015-05-01-preview',
  '2017-03-01-preview',
  '2017-10-01-preview',
  '2018-06-01-preview',
  '2019-06-01-preview',
  '2020-02-02-preview',
  '2020-08-01-preview',
  '2020-11-01-preview',
  '2021-02-01-preview',
] as const;

/** The link's first model: targetDatabase, sourceEndpoint, linkState ... (templates reference 2021-05-01-preview). */
const OLD_LINK_MODEL = [
  '2021-05-01-preview',
  '2021-08-01-preview',
  '2021-11-01-preview',
  '2021-11-01',
  '2022-02-01-preview',
  '2022-05-01-preview',
  '2022-08-01-preview',
  '2022-11-01-preview',
] as const;

/** The model with databases[], partnerEndpoint, instanceLinkRole ... (DistributedAvailabilityGroups.json 2023-08-01). */
const NEW_LINK_MODEL = [
  '2023-02-01-preview',
  '2023-05-01-preview',
  '2023-08-01-preview',
  '2023-08-01',
  '2024-05-01-preview',
  '2024-11-01-preview',
  '2025-01-01',
  '2025-02-01-preview',
  '2025-08-01-preview',
] as const;

export const LINK_VERSIONS: readonly string[] = [...OLD_LINK_MODEL, ...NEW_LINK_MODEL];
export const SQL_VERSIONS: readonly string[] = [...SQL_2015_TO_2020, ...LINK_VERSIONS];

/** POST setRole came with 2023-05-01-preview, POST failover with 2023-08-01-preview. */
export const SET_ROLE_VERSIONS: readonly string[] = NEW_LINK_MODEL.slice(1);
export const FAILOVER_VERSIONS: readonly string[] = NEW_LINK_MODEL.slice(2);

export const RESOURCES_VERSIONS: readonly string[] = [
  '2015-11-01',
  '2016-02-01',
  '2016-06-01',
  '2016-09-01',
  '2017-05-10',
  '2018-02-01',
  '2018-05-01',
  '2019-03-01',
  '2019-05-01',
  '2019-05-10',
  '2019-06-01',
  '2019-07-01',
  '2019-08-01',
  '2019-10-01',
  '2019-11-01',
  '2020-01-01',
  '2020-06-01',
  '2020-08-01',
  '2020-10-01',
  '2021-01-01',
  '2021-04-01',
  '2022-09-01',
  '2022-12-01',
  '2023-07-01',
  '2024-03-01',
  '2024-07-01',
  '2024-11-01',
  '2025-03-01',
  '2025-04-01',
];

export type LinkModel = 'old' | 'new';

/** @param version one of LINK_VERSIONS, in lower case. */
export function linkModelOf(version: string): LinkModel {
  return OLD_LINK_MODEL.some((known) => known === version) ? 'old' : 'new';
}

/** linkMode, and PATCH of `databases`, exist from 2025-08-01-preview. */
export const hasLinkMode = (version: string): boolean => version >= '2025-08-01';

/** databaseFormat and its neighbours appear in managedInstances from 2023-05-01-preview. */
export const hasDatabaseFormat = (version: string): boolean => version >= '2023-05-01';

/** ARM's form of an api-version: a date, perhaps with a suffix. */
export const isWellFormedVersion = (version: string): boolean =>
  /^\d{4}-\d{2}-\d{2}(-[a-z]+)?$/i.test(version);
