/** The two sides of a link: the one place that chooses by them. */
import { byWord } from './by-word';
import type { Side } from './statement';

/** What belongs to a side. @throws RangeError when it is neither of the two */
export const bySite = <Choice>(side: Side, choices: Readonly<Record<Side, Choice>>): Choice =>
  byWord('side of a link', side, choices);

/** The side that is not this one. */
export const otherSite = (side: Side): Side => bySite(side, { server: 'instance', instance: 'server' });

/** In sentences for people. */
export const siteName = (side: Side): string => bySite(side, { server: 'SQL Server', instance: 'instance' });

/** As people type it: `--to`, `--survivor`. */
export const siteOption = (side: Side): string => bySite(side, { server: 'server', instance: 'instance' });
