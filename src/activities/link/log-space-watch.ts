import type { LogUseSample } from '../../rules/sql-server/log-growth';
import { logReuseWaitWords } from '../../rules/sql-server/log-reuse-wait';
import type { ActivityReporter } from '../run/activity-boundary';
import type { LogSpaceNews } from './api';
import { linkFacts, type Observing } from './link-facts';
import { logSpaceOf } from './log-space';
import { logVerdict } from './seeding-watch';

const SAMPLES_KEPT = 40;

/**
 * Looks at the log of the SQL Server while a person is waited for and nothing else looks at it. It takes no backup: how far
 * the copy is, only the person who mends it can know. A look that fails is made again.
 * @param alarmRaised a person was told already: then it only reports
 */
export async function watchLogSpace(
  observing: Observing,
  reporter: ActivityReporter,
  alarmRaised: boolean,
): Promise<LogSpaceNews> {
  const { spec, clock } = observing;
  let samples: readonly LogUseSample[] = [];
  for (;;) {
    const facts = await linkFacts(observing, spec.settings.polling.active).catch(() => undefined);
    if (facts !== undefined) {
      samples = [...samples, { at: Date.parse(facts.serverTime), usedBytes: facts.logUsedBytes }].slice(
        -SAMPLES_KEPT,
      );
      const verdict = logVerdict(facts, observing, samples);
      if (verdict.alarm !== undefined && !alarmRaised)
        return { kind: 'log-alarm', reason: verdict.alarm.reason };
      reporter.report({
        version: 1,
        activity: 'log-space',
        waitingFor: `a person; ${logReuseWaitWords(facts.logReuseWaitDesc)}`,
        observedAt: facts.observedAt,
        logUsedPercent: verdict.usedPercent,
        log: logSpaceOf(facts, verdict),
      });
    }
    await clock.sleep(spec.settings.polling.seeding, reporter.signal);
  }
}
