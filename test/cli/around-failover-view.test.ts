/** What people see of hooks and checks: in a plan beforehand, in the status afterwards. */

import type { LinkPlan } from '../../src/activities/link/plan';
import { plannedHooks } from '../../src/activities/run/plan-hooks';
import { planAsMarkdown, planAsScript } from '../../src/cli/terminal/plan-view';
import { statusLines } from '../../src/cli/terminal/status-view';
import { styleFor } from '../../src/cli/terminal/style';
import type { RunView } from '../../src/client/runs';
import { BadWorkerConfig, workerConfig } from '../../src/worker/config';
import type { LinkStatus } from '../../src/workflows/link/status';
import { FakeLink } from '../support/fake-link';
import { linkSpecWith } from '../support/link-spec';
import { answer, closeWorkflowDrivers, WorkflowDriver } from '../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const SPEC = linkSpecWith(`cutover: { approval: { required: false } }
hooks:
  beforeFailover: [{ name: drain, type: webhook, url: "https://hooks.example.com/drain?key=hidden" }]
  afterFailover: [{ name: dns, type: command, executable: /etc/hooks/dns, args: ["a b", c] }]
  whenWithdrawn: [{ name: undrain, type: webhook, url: "env:UNDRAIN_URL" }]
`);

test('a plan names the hooks in their order, without the query of an address', () => {
  const hooks = plannedHooks(SPEC.settings);
  const plan: LinkPlan = {
    migration: 'sales',
    database: 'Sales',
    server: 'sql1',
    instance: 'mi-west',
    route: 'planned-failover',
    steps: [],
    hooks,
  };
  const lines = [
    'beforeFailover: drain: POST https://hooks.example.com/drain?...',
    'afterFailover: dns: /etc/hooks/dns "a b" "c"',
    'whenWithdrawn: undrain: POST env:UNDRAIN_URL',
  ];
  expect(planAsScript(plan)).toContain(lines.map((line) => `-- ${line}`).join('\n'));
  expect(planAsMarkdown(plan)).toContain(lines.map((line) => `- ${line}`).join('\n'));
  const { hooks: _none, ...bare } = plan;
  expect(planAsScript(bare)).not.toContain('Hooks');
});

test('the status shows what was found and what did not succeed, each with what to do', async () => {
  const link = new FakeLink({
    override: (call) => {
      if (call.type === 'checkAfterFailover')
        return answer([
          { id: 'after.state', outcome: 'passed', evidence: 'ONLINE' },
          { id: 'after.owner', outcome: 'warning', evidence: 'no owner', remedy: 'ALTER AUTHORIZATION ...;' },
        ]);
      if (call.type !== 'runHook') return undefined;
      const { phase } = (call.input as { address: { phase: string } }).address;
      const outcome = phase === 'afterFailover' ? 'failed' : 'passed';
      return answer({ at: '', phase, hook: 'dns', outcome, reason: 'HTTP 500', tries: 3, durationMs: 1 });
    },
  });
  const driver = await WorkflowDriver.start(
    'linkMigration',
    { spec: SPEC, visibility: false },
    link.activities,
  );
  await driver.run();
  const status = await driver.query<LinkStatus>('status');
  const view: RunView = {
    status,
    pending: [],
    asOf: '2026-11-26T12:00:00.000Z',
    workflowId: 'w',
    runId: 'r',
    startedAt: '',
    closedAt: null,
    historyEvents: 1,
  };
  const text = statusLines(view, styleFor({}, {}), Date.now(), { events: 0 }).join('\n');
  expect(text).toMatch(/hook +dns \(afterFailover\) failed: HTTP 500/);
  expect(text).toMatch(/owner +no owner\. ALTER AUTHORIZATION \.\.\.;/);
  expect(text).not.toContain('ONLINE');
  await driver.dispose();
});

describe('SQLFERRY_COMMAND_HOOKS', () => {
  test('names the directories of commands; without it there are none', () => {
    expect(workerConfig({}).commandHookDirectories).toBeUndefined();
    expect(workerConfig({ SQLFERRY_COMMAND_HOOKS: '' }).commandHookDirectories).toBeUndefined();
    expect(workerConfig({ SQLFERRY_COMMAND_HOOKS: '/etc/hooks:/opt/hooks' }).commandHookDirectories).toEqual([
      '/etc/hooks',
      '/opt/hooks',
    ]);
  });

  test('a relative one is refused: it would depend on where the worker was started', () => {
    expect(() => workerConfig({ SQLFERRY_COMMAND_HOOKS: '/etc/hooks:hooks' })).toThrow(BadWorkerConfig);
  });
});
