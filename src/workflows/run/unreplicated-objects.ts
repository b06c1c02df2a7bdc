/** What is not replicated, around the failovers of a run: nothing where the topology or the spec has no such. */
import type { FailoverType } from '../../model/run/procedure';
import type { SiteId } from '../../model/run/site';
import type { Run } from './run';
import type { ObjectsGateOptions, UnreplicatedObjects } from './topology';

/** Absent: there is nothing to keep. */
function keptBy(run: Run): UnreplicatedObjects | undefined {
  const { objects } = run.topology;
  return objects?.areKept(run) === true ? objects : undefined;
}

export const hasObjects = (run: Run): boolean => keptBy(run) !== undefined;

/** While something else is waited for, the other site is kept as the primary is. @returns what `work` does */
export const keepObjectsWhile = <T>(run: Run, primary: SiteId, work: Promise<T>): Promise<T> =>
  keptBy(run)?.keepWhile(run, primary, work) ?? work;

/** Before anybody is fenced out: they are the same, or somebody goes on all the same. */
export const passObjectsGate = async (
  run: Run,
  primary: SiteId,
  options: ObjectsGateOptions,
): Promise<void> => keptBy(run)?.passGate(run, primary, options);

/** What runs where the primary is, is switched. @param by how the roles were swapped */
export const switchObjects = async (run: Run, primary: SiteId, by: FailoverType = 'planned'): Promise<void> =>
  keptBy(run)?.switchTo(run, primary, by);

/** A forced failover waits for nothing: what was known to differ is told. */
export const tellKnownDrift = async (run: Run): Promise<void> => keptBy(run)?.tellKnownDrift(run);
