import { TRANSPORT_ENTRIES } from './transport';

/** What keeps sqlferry from asking at all, beside transport: its own settings. */
const OWN: readonly string[] = ['SecretUnreadable', 'SettingUnusable'];

/**
 * Whether a failure is about reaching somebody and being let in, not about what was asked for: the same request may
 * go through as soon as that is mended.
 */
export const isAboutAccess = (code: string): boolean =>
  OWN.includes(code) || TRANSPORT_ENTRIES.some((entry) => entry.code === code);
