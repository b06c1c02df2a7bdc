const RULES: readonly (readonly [RegExp, string])[] = [
  // Signed URLs: the query is the secret.
  [/(https?:\/\/[^\s"'<>?]+)\?[^\s"'<>]*/gi, '$1?...'],
  [/\bBearer\s+[^\s"',]+/gi, 'Bearer ...'],
  // JSON web tokens.
  [/\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g, '<token>'],
  [/\b(client_secret|client_assertion|access_token|refresh_token|sig)=[^&\s"']+/gi, '$1=...'],
];

const LENGTH_LIMIT = 2_000;

/** Takes signatures and tokens out of a text that goes into errors, logs and histories (promise 11). */
export function scrub(text: string): string {
  const clean = RULES.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
  return clean.length > LENGTH_LIMIT ? `${clean.slice(0, LENGTH_LIMIT)} ...` : clean;
}
