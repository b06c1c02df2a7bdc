import type { LinkPreflightFacts } from '../../../src/model/link/facts';
import type { ResolvedLink } from '../../../src/model/link/spec';
import type { CheckResult } from '../../../src/model/run/check';
import { certificate, database, endpoint, facts, instance, server } from './facts';

type Outcome = CheckResult['outcome'];
export type Case = readonly [
  id: string,
  outcome: Outcome,
  what: string,
  facts: LinkPreflightFacts,
  evidence: RegExp,
  spec?: ResolvedLink,
];

export const withDatabase = (changes: Parameters<typeof database>[0]) =>
  facts({ database: database(changes) });
export const withServer = (changes: Parameters<typeof server>[0]) => facts({ server: server(changes) });
export const withInstance = (changes: Parameters<typeof instance>[0]) =>
  facts({ instance: instance(changes) });
export const withEndpoint = (changes: Parameters<typeof endpoint>[0]) =>
  facts({ endpoints: [endpoint(changes)] });
export const withCertificate = (changes: Parameters<typeof certificate>[0]) =>
  facts({ certificates: [certificate(changes)] });
export const file = (name: string, typeDesc = 'ROWS', stateDesc = 'ONLINE', sizeBytes = 1024) => ({
  name,
  typeDesc,
  stateDesc,
  sizeBytes,
});
export const files = (...extra: ReturnType<typeof file>[]) =>
  withDatabase({ files: [file('data'), file('log', 'LOG'), ...extra] });
export const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);
