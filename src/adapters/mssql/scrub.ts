/** Keeps secrets out of messages (promise 11), whatever a server or a driver puts in them. */

const MASKED = '********';

/** A shorter piece of a secret tells nothing and would mask ordinary words. */
const SHORTEST_PIECE = 4;

/**
 * @param text message for people
 * @param secrets values that this request or connection sends, masked wherever they stand. After a quote their
 *   beginnings are masked too, since a server cuts what it repeats of a statement.
 */
export function scrub(text: string, secrets: readonly string[] = []): string {
  return secrets
    .filter((secret) => secret !== '')
    .flatMap((secret) => [secret, secret.replaceAll("'", "''")])
    .reduce(maskSecret, text)
    .replaceAll(/0x[0-9A-Fa-f]{65,}/g, '0x<masked>')
    .replaceAll(/\b[0-9A-Fa-f]{65,}\b/g, '<masked>')
    .replaceAll(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '<masked token>')
    .replaceAll(/\b(sig|password|pwd)=[^&;\s'"]+/gi, `$1=${MASKED}`);
}

function maskSecret(text: string, secret: string): string {
  let masked = text.replaceAll(secret, MASKED);
  for (let length = secret.length - 1; length >= SHORTEST_PIECE; length -= 1) {
    masked = masked.replaceAll(`'${secret.slice(0, length)}`, `'${MASKED}`);
  }
  return masked;
}
