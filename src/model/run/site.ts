/** A place that can lead: an end of a link, a region, an availability group, a Kubernetes site. */
export type SiteId = string;

export interface Site {
  readonly id: SiteId;
  /** Name in the inventory. */
  readonly name: string;
  /** In sentences, behind "the": `SQL Server`, `instance`. */
  readonly label: string;
  /** What people type: `--to`, `--survivor`. */
  readonly option: string;
}

/** What each site says of itself: PRIMARY, SECONDARY ...; `none` has no part in it, null is no answer. */
export type SiteRoles = Readonly<Record<SiteId, string | null>>;

/** @throws RangeError for a site that the procedure does not know: nothing is done in some default way (promise 7) */
export function siteOf(sites: readonly Site[], id: SiteId): Site {
  const site = sites.find((candidate) => candidate.id === id);
  if (site === undefined) {
    const known = sites.map((candidate) => candidate.id).join(', ');
    throw new RangeError(`there is no site ${JSON.stringify(id)}; known are: ${known}`);
  }
  return site;
}

/** The other one of two sites. @throws RangeError where there are not two, or none of them is `id` */
export function otherSiteOf(sites: readonly Site[], id: SiteId): Site {
  siteOf(sites, id);
  const others = sites.filter((candidate) => candidate.id !== id);
  const [other] = others;
  if (other === undefined || others.length > 1) throw new RangeError(`there is no one other site than ${id}`);
  return other;
}

/** The site that a step is about: its id begins with that of the site. @throws RangeError where it begins with none */
export function siteOfStep(sites: readonly Site[], stepId: string): Site {
  const named = sites.filter(({ id }) => stepId.startsWith(`${id}.`));
  // Of `eu` and `eu.west` the longer one is meant.
  const [site] = named.toSorted((one, other) => other.id.length - one.id.length);
  return site ?? siteOf(sites, stepId);
}
