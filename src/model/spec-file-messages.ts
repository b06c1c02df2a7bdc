import type { z } from 'zod';
import { childOf } from './spec-file-keys';
import type { SpecIssue, SpecPath } from './spec-issue';
import { nearest } from './suggest';

export interface KnownKeys {
  readonly keysAt: (path: SpecPath) => readonly string[];
  readonly parentsOf: (key: string) => readonly string[];
}

type Issue = z.core.$ZodIssue;

/** Words for one issue of zod: what stands there, what is expected. */
export function explainIssue(issue: Issue, root: unknown, known: KnownKeys): readonly SpecIssue[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const found = path.reduce<unknown>((value, part) => childOf(value, part), root);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(key, path, known));
  }
  if (found === undefined && issue.code !== 'custom') {
    return [{ path, message: `is missing; expected ${expectation(issue)}` }];
  }
  if (found === null) return [{ path, message: `is empty; expected ${expectation(issue)}` }];
  if (isSecret(path)) return [{ path, message: MUST_REFER }];
  switch (issue.code) {
    case 'invalid_key':
      return [{ path, at: 'key', message: `the name ${issue.issues[0]?.message ?? 'is not allowed'}` }];
    case 'custom':
      return [{ path, message: issue.message }];
    case 'invalid_type': {
      const message = `must be ${expectation(issue)}, found ${describe(found)}`;
      const quotes = issue.expected === 'string' && (typeof found === 'number' || typeof found === 'boolean');
      return [quotes ? { path, message, remedy: `Put it in quotes: "${String(found)}"` } : { path, message }];
    }
    case 'invalid_value':
      return [chooseOne(path, found, issue.values.map(String))];
    case 'invalid_union':
      return [chooseOne(path, found, discriminators(issue))];
    default:
      return [{ path, message: `must be ${expectation(issue)}, found ${describe(found)}` }];
  }
}

const MUST_REFER =
  'must refer to a secret, not hold it: env:VARIABLE, file:/path/to/file or azure-keyvault:vault-name/secret-name';

/** What stands in the place of a secret is never repeated: it may be the secret itself (promise 11). */
function isSecret(path: SpecPath): boolean {
  return /password|secret|token$/i.test(String(path.at(-1)));
}

function unknownKey(key: string, parent: SpecPath, known: KnownKeys): SpecIssue {
  const path = [...parent, key];
  const keys = known.keysAt(parent);
  const near = nearest(key, keys)[0];
  const elsewhere = known.parentsOf(key);
  const message = 'unknown key';
  if (near !== undefined) return { path, at: 'key', message, remedy: `Did you mean "${near}"?` };
  if (elsewhere.length > 0) {
    return { path, at: 'key', message, remedy: `"${key}" belongs under ${elsewhere.join(' or ')}.` };
  }
  return { path, at: 'key', message, remedy: `Known here: ${keys.join(', ')}.` };
}

function chooseOne(path: SpecPath, found: unknown, options: readonly string[]): SpecIssue {
  const message = `must be ${listOptions(options)}, found ${describe(found)}`;
  const near = typeof found === 'string' ? nearest(found, options)[0] : undefined;
  return near === undefined ? { path, message } : { path, message, remedy: `Did you mean "${near}"?` };
}

function discriminators(issue: Issue): readonly string[] {
  return 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'a block of fields',
  record: 'a block of named entries',
  array: 'a list',
};

const FORMATS: Readonly<Record<string, string>> = {
  url: 'an address that begins with https://',
  datetime: 'a time with its offset such as 2027-03-01T22:00:00+01:00',
};

/** What is expected, as the end of "must be ..." or "expected ...". */
function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return listOptions(issue.values.map(String));
    case 'invalid_union':
      return listOptions(discriminators(issue));
    case 'invalid_format':
      // A message of our own schemas says it better than the pattern; all of them read "must be ...".
      return FORMATS[issue.format] ?? issue.message.replace(/^must be /, '');
    case 'too_small':
      return `${sizeOf(issue.origin, Number(issue.minimum), 'at least')}`;
    case 'too_big':
      return `${sizeOf(issue.origin, Number(issue.maximum), 'at most')}`;
    default:
      return issue.message;
  }
}

function sizeOf(origin: string, limit: number, bound: string): string {
  if (origin === 'string') return `${bound} ${limit} character${limit === 1 ? '' : 's'} long`;
  if (origin === 'array') return `a list of ${bound} ${limit} entr${limit === 1 ? 'y' : 'ies'}`;
  return `${bound} ${limit}`;
}

function listOptions(options: readonly string[]): string {
  const quoted = options.map((option) => `"${option}"`);
  if (quoted.length < 2) return quoted.join('');
  return `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
}

/** The value as a person wrote it; long texts are cut, since a secret may have landed in the wrong field. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a block of fields';
  if (typeof value !== 'string') return `${typeof value === 'boolean' ? '' : 'the number '}${String(value)}`;
  return value.length > 60 ? `a text of ${value.length} characters` : JSON.stringify(value);
}
