/** A link that stays for years: set up once, watched, failed over and back on request, taken down at last. */
import { firstPrimary } from '../../model/link/initial-primary';
import type { ResolvedLink } from '../../model/link/spec';
import { checkInput } from '../run/incoming';
import { runInputShape } from '../run/run-input-shape';
import { withKnownSpec } from '../run/spec-version';
import { type Standing, type StandingResult, standingRun } from '../run/standing-run';
import { establish } from './establish-from-instance';
import type { LinkOwn, LinkRunInput } from './state';
import { linkStatusOf } from './status';
import { LINK_WORKFLOWS } from './topology';

const DR_LINK: Standing<ResolvedLink, LinkOwn> = {
  topology: LINK_WORKFLOWS,
  establish,
  firstPrimary,
  status: linkStatusOf,
};

export async function disasterRecoveryLink(given: LinkRunInput): Promise<StandingResult> {
  const input = withKnownSpec(given);
  checkInput('disasterRecoveryLink', runInputShape(LINK_WORKFLOWS), input);
  return standingRun(DR_LINK, input);
}
