/**
 * Scripted faults: what to match, how often, and what to do. Plain data, so that tests, scenario files and a control
 * API can write them.
 */
import { z } from 'zod';

const count = z.number().int().positive();
const pattern = z.string().refine(isRegularExpression, 'is not a regular expression');

function isRegularExpression(text: string): boolean {
  try {
    new RegExp(text, 'i');
    return true;
  } catch {
    return false;
  }
}

const matching = {
  /** Times it strikes before it is spent; absent = for ever. */
  count: count.optional(),
  /** Matches that pass before the first strike. */
  skip: z.number().int().nonnegative().optional(),
  /** Chance of each strike, drawn from the world's seed. */
  probability: z.number().min(0).max(1).optional(),
  /** Free text for lists and logs. */
  note: z.string().optional(),
};

const sqlAction = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('error'),
    number: z.number().int().positive(),
    severity: z.number().int().min(11).max(25).default(16),
    state: z.number().int().min(0).max(255).default(1),
    message: z.string().optional(),
    /** before: nothing happened; after: the statement took effect and then the error was sent. */
    when: z.enum(['before', 'after']).default('before'),
  }),
  z.strictObject({
    kind: z.literal('drop'),
    /** during: after the statement began and before its effect is known; the effect happens. */
    when: z.enum(['before', 'during', 'after']),
    how: z.enum(['fin', 'rst', 'hang']).default('rst'),
  }),
  z.strictObject({ kind: z.literal('hang') }),
  z.strictObject({ kind: z.literal('slow'), ms: z.number().nonnegative() }),
]);

const armAction = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('status'),
    status: z.number().int().min(400).max(599),
    code: z.string().min(1),
    message: z.string().optional(),
    /** Seconds; absent = no Retry-After header. */
    retryAfter: z.number().nonnegative().optional(),
  }),
  /** The connection ends before the request has any effect. */
  z.strictObject({ kind: z.literal('drop'), how: z.enum(['fin', 'rst', 'hang']).default('rst') }),
  /** The request is accepted and takes effect; its answer never arrives. */
  z.strictObject({ kind: z.literal('lost-response'), how: z.enum(['fin', 'rst', 'hang']).default('rst') }),
  /** The request is accepted, its long-running operation ends as Failed. */
  z.strictObject({
    kind: z.literal('failed-operation'),
    code: z.string().min(1),
    message: z.string().optional(),
    /** True: what was asked for happens all the same. */
    takesEffect: z.boolean().default(false),
  }),
  z.strictObject({ kind: z.literal('slow'), ms: z.number().nonnegative() }),
]);

const name = z.string().min(1);

const worldAction = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('disconnect'),
    between: z.tuple([name, name]),
    forMs: z.number().positive(),
  }),
  z.strictObject({
    kind: z.literal('restart'),
    instance: name,
    downMs: z.number().nonnegative().optional(),
  }),
  /** The machine is lost; with returnsAfterMs it comes back, still believing what it believed. */
  z.strictObject({
    kind: z.literal('kill'),
    instance: name,
    returnsAfterMs: z.number().positive().optional(),
  }),
  z.strictObject({ kind: z.literal('break-seeding'), database: name }),
  z.strictObject({ kind: z.literal('expire-certificate'), instance: name, certificate: name }),
]);

const sqlRule = z.strictObject({
  surface: z.literal('sql'),
  ...matching,
  /** Regular expression on the statement's text (case-insensitive). */
  statement: pattern.optional(),
  instance: name.optional(),
  login: name.optional(),
  action: sqlAction,
});

const loginRule = z.strictObject({
  surface: z.literal('login'),
  ...matching,
  instance: name.optional(),
  login: name.optional(),
  action: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('error'),
      number: z.number().int().positive(),
      severity: z.number().int().min(11).max(25).default(14),
      state: z.number().int().min(0).max(255).default(1),
      message: z.string().optional(),
    }),
    z.strictObject({ kind: z.literal('drop'), how: z.enum(['fin', 'rst', 'hang']).default('rst') }),
    z.strictObject({ kind: z.literal('slow'), ms: z.number().nonnegative() }),
  ]),
});

const armRule = z.strictObject({
  surface: z.literal('arm'),
  ...matching,
  method: z.enum(['GET', 'PUT', 'PATCH', 'POST', 'DELETE']).optional(),
  /** Regular expression on the path (case-insensitive). */
  path: pattern.optional(),
  action: armAction,
});

/** Strikes by itself, at a time or on an event of the world. */
const worldRule = z
  .strictObject({
    surface: z.literal('world'),
    ...matching,
    /** Simulated ms after the rule was added. */
    afterMs: z.number().nonnegative().optional(),
    /** Or: when a platform operation of this kind starts (with `delayMs`). */
    onOperation: z.string().min(1).optional(),
    delayMs: z.number().nonnegative().optional(),
    action: worldAction,
  })
  .refine((rule) => (rule.afterMs === undefined) !== (rule.onOperation === undefined), {
    message: 'needs exactly one of afterMs and onOperation',
  });

export const faultRuleSchema = z.discriminatedUnion('surface', [sqlRule, loginRule, armRule, worldRule]);

export type FaultRule = z.infer<typeof faultRuleSchema>;
export type FaultRuleInput = z.input<typeof faultRuleSchema>;
export type SqlFaultRule = z.infer<typeof sqlRule>;
export type LoginFaultRule = z.infer<typeof loginRule>;
export type ArmFaultRule = z.infer<typeof armRule>;
export type WorldFaultRule = z.infer<typeof worldRule>;
export type SqlFaultAction = z.infer<typeof sqlAction>;
export type LoginFaultAction = LoginFaultRule['action'];
export type ArmFaultAction = z.infer<typeof armAction>;
export type WorldFaultAction = z.infer<typeof worldAction>;
