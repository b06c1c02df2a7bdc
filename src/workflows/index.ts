/** Every workflow type that the worker serves. */
import { specShape } from './link/spec-shape';
import { LINK_WORKFLOWS } from './link/topology';
import { failoverOf } from './run/failover';
import { certificateCheckOf } from './sql-server/certificate-check';
import { certificateRotationOf } from './sql-server/certificate-rotation';

export { disasterRecoveryLink } from './link/disaster-recovery';
export { linkMigration } from './link/link-migration';
export { failoverSlots } from './run/failover-slots';

/** One workflow for the failovers of all topologies: the kind of the spec chooses. */
export const failover = failoverOf({ link: LINK_WORKFLOWS });

/** Endpoints with certificates are those of links. */
export const certificateCheck = certificateCheckOf(specShape);
export const certificateRotation = certificateRotationOf(specShape);
