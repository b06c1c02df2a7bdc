/** Product and estate wait in the same time: a migration with the polling, deadlines and limits that people have. */
import { estateWithApplication, startApplication, until } from '../support/application';
import { closeServer, type Stage, startStage } from '../support/scenario';

afterAll(closeServer);

/** What the machine takes counts in the estate's time (estate-clock.ts): no deadline comes near it at this speed. */
const SPEED = 60;

const SECTIONS = `
logBackups: { directory: "C:\\\\Backup", every: 15m }
cutover: { approval: { required: false }, fence: { disableLogins: [app] } }
`;

describe('a database crosses', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage({
      clock: 'estate',
      estate: {
        ...estateWithApplication({ rates: { firstFullBackupDelayMs: 60_000 } }),
        // Workflows have the time of their server: facts of today are of the same day.
        clock: { speed: SPEED, base: new Date().toISOString() },
      },
      sections: SECTIONS,
    });
  });
  afterAll(() => stage.close());

  test("in the estate's time, by a spec that says nothing of its polling", async () => {
    const spec = stage.spec(SECTIONS, 'estate-time');
    expect(spec.settings.polling).toMatchObject({ active: 2_000, steady: 30_000, heartbeatTimeout: 60_000 });
    await stage.startWorker();
    const writer = startApplication(stage.estate, 20);
    try {
      await until('the application writes', () => writer.report().acknowledged > 0);
      await stage.migrations.start(spec);
      expect(await stage.migrations.result('estate-time')).toMatchObject({
        outcome: 'completed',
        seedingRestarts: 0,
      });
    } finally {
      await writer.stop();
    }
  }, 120_000);
});
