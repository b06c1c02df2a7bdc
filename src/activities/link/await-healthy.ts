import type { LinkSite } from '../../model/link/side';
import type { ActivityReporter } from '../run/activity-boundary';
import { healthOf } from './health';
import { linkFacts, type Observing } from './link-facts';

/** Waits until the link replicates again after a repair. */
export async function awaitHealthy(
  observing: Observing,
  reporter: ActivityReporter,
  primary: LinkSite,
): Promise<{ readonly evidence: string }> {
  const { spec, clock } = observing;
  for (;;) {
    const facts = await linkFacts(observing, 0, primary);
    if (facts?.localRoleDesc === 'PRIMARY') {
      const health = healthOf(facts);
      if (health.healthy) return { evidence: health.summary };
    }
    reporter.report({
      version: 1,
      activity: 'resynchronising',
      waitingFor: `the link to be healthy again (${facts === undefined ? 'not seen' : healthOf(facts).summary})`,
      observedAt: new Date(clock.now()).toISOString(),
    });
    await clock.sleep(spec.settings.polling.active, reporter.signal);
  }
}
