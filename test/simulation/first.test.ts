import { Chance } from './chance';
import { noFaults } from './faults';
import { Stage } from './stage';
import { installVirtualGlobals } from './virtual-globals';
import { newParty, VirtualTime } from './virtual-time';
import { closeSandboxes } from '../support/workflow-sandbox';

test('a migration', async () => {
  const chance = new Chance(1);
  const time = new VirtualTime(Date.parse('2026-11-01T00:00:00Z'), newParty('outside'));
  const began = performance.now.bind(performance);
  const t0 = began();
  const restore = installVirtualGlobals(time, chance.derive('libraries'));
  try {
    const stage = new Stage(time, noFaults(), chance, {
      instances: [
        {
          kind: 'sql-server',
          name: 'SQL1',
          logins: [{ name: 'sa', password: 'Ferry!Passw0rd' }, { name: 'app', password: 'App!Passw0rd', roles: [] }],
          databases: [{ name: 'Sales', dataBytes: 2_000_000_000, users: [{ name: 'app' }] }],
        },
        { kind: 'managed-instance', name: 'mi-west' },
      ],
    });
    stage.startWorker('worker-1');
    const spec = stage.spec(`
logBackups: { directory: "C:\\\\Backup", every: 15m }
cutover: { approval: { required: false }, fence: { disableLogins: [app] } }
`);
    const run = stage.service.start('linkMigration', 'sqlferry-sales', [{ spec, visibility: false }]);
    stage.application.start();
    const done = await time.run(() => stage.service.all.every((e) => e.ending), {
      untilMs: time.now + 3 * 3_600_000,
      events: 500_000,
    });
    console.log(done, JSON.stringify(run.ending, (_, v) => v instanceof Error ? v.stack : v)?.slice(0, 1500), (time.now - Date.parse('2026-11-01T00:00:00Z')) / 1000, time.events, stage.service.delivered, stage.service.troubles, stage.errors, stage.told.map((t) => t.code + ' ' + t.message), stage.application.acknowledged.size, stage.application.refused, stage.service.open.map((t) => t.type + t.attempt));
  } finally {
    restore();
  }
  console.log('real ms', began() - t0);
  await closeSandboxes();
}, 120_000);
