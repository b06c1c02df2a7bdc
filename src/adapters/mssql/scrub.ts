/** Keeps secrets out of messages (promise 9), whatever a server or a driver puts in them. */

const MASKED = '********';

/** A shorter piece of a secret tells nothing and would mask ordinary words. */
const SHORTEST_PIECE = 4;

/**
 * @param text message for people
 * @param secrets values that this request or connection sends; also their beginnings are masked, since a server may
 *   cut what it repeats
 */
export function scrub(text: string, secrets: readonly string[] = []): string {
  return secrets
    .reduce(maskBeginning, text)
    .replaceAll(/0x[0-9A-Fa-f]{65,}/g, '0x<masked>')
    .replaceAll(/\b[0-9A-Fa-f]{65,}\b/g, '<masked>')
    .replaceAll(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '<masked token>')
    .replaceAll(/\b(sig|password|pwd)=[^&;\s'"]+/gi, `$1=${MASKED}`);
}

function maskBeginning(text: string, secret: string): string {
  for (let length = secret.length; length >= Math.min(SHORTEST_PIECE, secret.length); length -= 1) {
    const piece = secret.slice(0, length);
    if (piece !== '' && text.includes(piece)) return text.replaceAll(piece, MASKED);
  }
  return text;
}
