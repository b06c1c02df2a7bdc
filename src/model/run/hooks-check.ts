import { formatDuration } from '../duration';
import type { SpecIssue } from '../spec-issue';
import { HOOK_PHASES, hooksOf } from './hook-phases';
import type { RunSettings } from './run-spec';

type Checked = Pick<RunSettings, 'hooks' | 'cutover'>;

/** Conditions between the hooks of a migration. */
export const checkHooks = (migration: Checked): readonly SpecIssue[] => [
  ...checkNames(migration),
  ...checkFenced(migration),
];

/** The name is part of the key by which a receiver knows a repetition. */
function checkNames(migration: Checked): readonly SpecIssue[] {
  return HOOK_PHASES.flatMap((phase) => {
    const names = hooksOf(migration, phase).map(({ name }) => name);
    return names.flatMap((name, index) =>
      names.indexOf(name) === index
        ? []
        : [
            {
              path: ['hooks', phase, index, 'name'],
              message: `another hook of ${phase} is named "${name}" as well`,
              remedy: 'Give each hook of a list a name of its own.',
            },
          ],
    );
  });
}

/** What waits longer than the fence may stand would only ever withdraw. */
function checkFenced(migration: Checked): readonly SpecIssue[] {
  const { catchUpTimeout } = migration.cutover;
  const total = hooksOf(migration, 'whenFenced').reduce((sum, { timeout }) => sum + timeout, 0);
  if (total < catchUpTimeout) return [];
  return [
    {
      path: ['hooks', 'whenFenced'],
      message: `the hooks behind the fence may take ${formatDuration(total)}, and all that happens there has ${formatDuration(catchUpTimeout)} (cutover.catchUpTimeout)`,
      remedy: 'Give them shorter timeouts, or raise cutover.catchUpTimeout.',
    },
  ];
}
