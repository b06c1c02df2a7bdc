/** Hooks around a failover: what a run calls so that applications are drained, repointed, and given back. */
import { z } from 'zod';
import { durationSchema } from '../duration-schema';
import { nameSchema } from '../inventory';
import { secretReferenceSchema } from '../secret-reference';

/** An hour is longer than any drain that one failover should wait for. */
const LONGEST_TIMEOUT_MS = 3_600_000;

const timeout = durationSchema
  .prefault('30s')
  .refine((ms) => ms >= 1_000 && ms <= LONGEST_TIMEOUT_MS, 'must be from 1s to 1h')
  .describe('For the hook with all its repetitions');

const onFailure = z
  .enum(['veto', 'tell'])
  .default('tell')
  .describe(
    'When no answer comes in time: veto withdraws the failover, tell goes on and tells a person. Behind the point of no return it is always tell',
  );

const httpsUrl = z
  .string()
  .refine((text) => URL.canParse(text) && new URL(text).protocol === 'https:', 'must be an https URL')
  .refine((text) => !URL.canParse(text) || new URL(text).password === '', 'must hold no password');

/** RFC 9110: a field name is a token. Those that the run sets itself are not for a spec to set. */
const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'must be the name of an HTTP header')
  .refine(
    (name) =>
      !/^(host|content-.*|transfer-encoding|connection|idempotency-key|user-agent|x-sqlferry-.*)$/i.test(
        name,
      ),
    'is set by the run itself',
  );

const webhookSchema = z.strictObject({
  name: nameSchema,
  type: z.literal('webhook'),
  url: z
    .union([secretReferenceSchema, httpsUrl])
    .describe('https URL that takes a POST, or a reference to a secret that holds it'),
  headers: z
    .record(headerName, secretReferenceSchema)
    .default({})
    .describe('Headers by reference, for example Authorization: env:HOOK_TOKEN'),
  signWith: secretReferenceSchema
    .optional()
    .describe('Key of an HMAC-SHA-256 over time and body, sent as X-Sqlferry-Signature'),
  caFile: z
    .string()
    .min(1)
    .optional()
    .describe('PEM authorities on the host of the worker, for a receiver with a private certificate'),
  timeout,
  onFailure,
});

const commandSchema = z.strictObject({
  name: nameSchema,
  type: z.literal('command'),
  executable: z
    .string()
    .startsWith('/', 'must be an absolute path on the host of the worker')
    .describe('Inside a directory that SQLFERRY_COMMAND_HOOKS of the worker names'),
  args: z.array(z.string().max(4_096)).max(64).default([]).describe('Given as they are; no shell reads them'),
  timeout,
  onFailure,
});

export const hookSchema = z.discriminatedUnion('type', [webhookSchema, commandSchema]);
export type Hook = z.output<typeof hookSchema>;
export type WebhookHook = z.output<typeof webhookSchema>;
export type CommandHook = z.output<typeof commandSchema>;

const list = (when: string) => z.array(hookSchema).max(10).default([]).describe(when);

/** Each list is called in order, one after the other. */
export const hooksSchema = z.strictObject({
  beforeFailover: list('Behind the gate, before the fence: drain, maintenance page. May refuse the failover'),
  whenFenced: list('Behind the fence, before the point of no return; applications wait. May refuse'),
  afterFailover: list('After the first good write on the new primary: repoint'),
  whenWithdrawn: list('After the fence is lifted, when a hook before had been called: give back'),
});
export type Hooks = z.output<typeof hooksSchema>;
