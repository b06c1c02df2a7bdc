/** Section `instanceObjects` of a migration: what lives outside of the database and is to be on the other side. */
import { z } from 'zod';
import type { SpecIssue } from '../spec-issue';

/** sysname. */
const nameSchema = z.string().min(1).max(128);

/** Section `instanceObjects` of a migration. Absent: nothing outside of the database is looked at or changed. */
export const instanceObjectsSchema = z.strictObject({
  logins: z
    .strictObject({
      ofDatabase: z
        .boolean()
        .default(true)
        .describe('Every login that has a user in the database, or owns it'),
      include: z.array(nameSchema).default([]).describe('Further logins, by name'),
      exclude: z.array(nameSchema).default([]).describe('Logins that are not looked at'),
    })
    .prefault({}),
  jobs: z
    .strictObject({
      include: z
        .array(nameSchema)
        .default([])
        .describe('Agent jobs that run where the primary is; disabled on the other side'),
    })
    .prefault({}),
  drift: z
    .enum(['block', 'warn', 'ignore'])
    .default('block')
    .describe(
      'What a difference that cannot be copied does to a planned failover or cutover: it holds it, is told, or is not looked for',
    ),
});
export type InstanceObjects = z.output<typeof instanceObjectsSchema>;

/** Conditions between the fields of the section. */
export function checkInstanceObjects(objects: InstanceObjects | undefined): readonly SpecIssue[] {
  if (objects === undefined) return [];
  const { include, exclude } = objects.logins;
  const excluded = new Set(exclude.map((name) => name.toLowerCase()));
  return include.flatMap((name, index) =>
    excluded.has(name.toLowerCase())
      ? [
          {
            path: ['instanceObjects', 'logins', 'include', index],
            message: `"${name}" stands under include and under exclude`,
            remedy: 'Leave it in one of the two lists.',
          },
        ]
      : [],
  );
}
