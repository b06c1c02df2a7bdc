/** What the LISTENER_URL of a managed instance says behind its port. */
const BRACKETED = (url: string, word: string): string | undefined =>
  new RegExp(`;\\s*${word}=\\[([^\\]]+)\\]`, 'i').exec(url)?.[1];

/** The `;Server=[...]` and `;Database=[...]` of an instance's LISTENER_URL. */
export const listenerParts = (url: string): { server: string | undefined; database: string | undefined } => ({
  server: BRACKETED(url, 'Server'),
  database: BRACKETED(url, 'Database'),
});

/** Only a link whose initial primary is the instance names the database in the listener (scripts page). */
export const namesDatabase = (url: string): boolean => listenerParts(url).database !== undefined;
