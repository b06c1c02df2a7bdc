/** Two counters, of which one leads and the other one follows: the smallest thing that fails over. */

import { afterFailoverSchema } from '../../../src/model/run/after-failover-schema';
import { hooksSchema } from '../../../src/model/run/hooks';
import type { RunSpec } from '../../../src/model/run/run-spec';
import { cutoverSchema, failoverSchema, pollingSchema } from '../../../src/model/run/settings';

export interface CounterPairSpec extends RunSpec {
  readonly kind: 'counter-pair';
  /** Names of the counters. */
  readonly left: string;
  readonly right: string;
}

/** @param name of the run */
export const counterPairSpec = (name: string): CounterPairSpec => ({
  kind: 'counter-pair',
  version: 1,
  left: 'Cologne',
  right: 'Riga',
  settings: {
    name,
    database: 'visitors',
    polling: pollingSchema.parse({ steady: '50ms', active: '20ms', seeding: '50ms', heartbeatTimeout: '2s' }),
    failover: failoverSchema.parse({ coolDown: '0s' }),
    cutover: cutoverSchema.parse({}),
    afterFailover: afterFailoverSchema.parse({ checks: false }),
    hooks: hooksSchema.parse({
      beforeFailover: [{ name: 'drain', type: 'webhook', url: 'https://hooks.example.com/' }],
    }),
  },
});
