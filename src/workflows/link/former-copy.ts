import type { Run } from '../run/run';

/** The copy of a SQL Server that only followed belongs to nobody once its link is gone. */
export function copyLeftRestoring({ spec, state }: Run): readonly string[] {
  if (state.protection?.primary !== 'instance') return [];
  const { server, database } = spec.settings;
  return [
    `on ${server} the copy of ${database} is left restoring; drop it, or open it as it was with RESTORE DATABASE ... WITH RECOVERY`,
  ];
}
