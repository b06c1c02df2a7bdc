import { DEFAULT_TASK_QUEUE, watchQueueOf } from '../../temporal/task-queues';
import { EXIT, type ExitCode } from '../exit-codes';
import type { Output } from '../output';
import type { TemporalOptions } from '../temporal';
import { table } from '../terminal/format';

interface Finding {
  readonly id: string;
  readonly ok: boolean;
  readonly found: string;
  readonly remedy: string | null;
}

/** Looks whether this machine can do its part: Node, workflow code, Temporal, search attributes, workers. */
export async function doctor(output: Output, options: TemporalOptions): Promise<ExitCode> {
  const findings = [nodeVersion(), await workflowCode(), ...(await temporal(options))];
  output.say(
    table(
      findings.map(({ ok, id, found }) => [ok ? output.style.green('✓') : output.style.red('✗'), id, found]),
    ),
  );
  const problems = findings.filter((finding) => !finding.ok);
  for (const { id, remedy } of problems) {
    if (remedy !== null) output.say(`${output.style.dim('→')} ${id}: ${remedy}`);
  }
  output.result({ ok: problems.length === 0, findings });
  return problems.length === 0 ? EXIT.ok : EXIT.unreachable;
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 22 || (major === 22 && minor >= 19);
  return { id: 'node', ok, found: process.version, remedy: ok ? null : 'install Node 24 (at least 22.19)' };
}

async function workflowCode(): Promise<Finding> {
  const { existsSync } = await import('node:fs');
  const { workflowBundlePath } = await import('../../temporal/package-root');
  const ok = existsSync(workflowBundlePath());
  return {
    id: 'workflow code',
    ok,
    found: ok ? 'prebuilt' : 'missing',
    remedy: ok ? null : 'build it with: npm run build',
  };
}

async function temporal(options: TemporalOptions): Promise<Finding[]> {
  const { connectClient, temporalTarget } = await import('../../temporal/connection');
  const target = await temporalTarget({ address: options.address, namespace: options.namespace });
  try {
    const client = await connectClient(target);
    try {
      const taskQueue = options.taskQueue ?? process.env.SQLFERRY_TASK_QUEUE ?? DEFAULT_TASK_QUEUE;
      return [
        { id: 'Temporal', ok: true, found: `${target.address}, namespace ${target.namespace}`, remedy: null },
        await attributes(client.connection, target.namespace),
        await workers(client.connection, target.namespace, 'workers', taskQueue),
        await workers(client.connection, target.namespace, 'workers of watches', watchQueueOf(taskQueue)),
      ];
    } finally {
      await client.connection.close();
    }
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return [
      {
        id: 'Temporal',
        ok: false,
        found,
        remedy: 'set TEMPORAL_ADDRESS, or start one: temporal server start-dev',
      },
    ];
  }
}

type Connection = Awaited<
  ReturnType<typeof import('../../temporal/connection')['connectClient']>
>['connection'];

async function attributes(connection: Connection, namespace: string): Promise<Finding> {
  const { ensureSearchAttributes } = await import('../../temporal/search-attributes');
  const report = await ensureSearchAttributes(connection, namespace);
  return {
    id: 'search attributes',
    // Without them everything runs; only lists show less.
    ok: true,
    found: report.usable ? 'registered' : `not usable: ${report.reason}`,
    remedy: null,
  };
}

async function workers(
  connection: Connection,
  namespace: string,
  id: string,
  taskQueue: string,
): Promise<Finding> {
  const { pollersOf } = await import('../../client/task-queues');
  const count = await pollersOf(connection, namespace, taskQueue);
  return {
    id,
    ok: count > 0,
    found: `${count} on task queue ${taskQueue}`,
    remedy:
      count > 0
        ? null
        : 'start one with: sqlferry worker; where one runs, look at SQLFERRY_SERVE and its slots',
  };
}
