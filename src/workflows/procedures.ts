/** The procedures of all topologies, by the kind of a spec. */
import { byWord } from '../model/by-word';
import { LINK_PROCEDURE } from '../model/link/procedure';
import type { ResolvedLink } from '../model/link/spec';
import type { Procedure } from '../model/run/procedure';

const PROCEDURES = { link: LINK_PROCEDURE } as const;

/** @throws RangeError for a kind that this worker does not know */
export const procedureOf = ({ kind }: Pick<ResolvedLink, 'kind'>): Procedure<ResolvedLink> =>
  byWord('kind of a spec', kind, PROCEDURES);
