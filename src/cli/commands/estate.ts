import { join } from 'node:path';
import { readDefinitionFile } from '../../../estate/definition-file';
import { type RunningEstate, startEstate } from '../../../estate/estate';
import { type EstateDefinitionInput, parseDefinition } from '../../../estate/world/definition';
import { packageRoot } from '../../temporal/package-root';
import {
  crossingsOf,
  passwordVariable,
  refuseForeignFiles,
  type SpecFiles,
  writeSpecFiles,
} from '../estate/spec-files';
import { type RunningWorkload, startWorkload, type WorkloadEnd } from '../estate/workload';
import { EXIT, type ExitCode } from '../exit-codes';
import { CliFailure } from '../failure';
import type { Output } from '../output';
import { formatBytes, table } from '../terminal/format';

export interface EstateCommandOptions {
  /** YAML or JSON file; without it examples/estate/default.yaml. */
  readonly definition?: string;
  /** Where the spec files go. */
  readonly directory: string;
  /** Simulated seconds per second; beats the definition's. */
  readonly speed?: number;
  readonly workload: boolean;
}

const defaultDefinition = (): string => join(packageRoot(), 'examples', 'estate', 'default.yaml');

/** Runs a simulated estate until SIGINT or SIGTERM. Refuses to overwrite spec files that are not its own. */
export async function estate(output: Output, options: EstateCommandOptions): Promise<ExitCode> {
  const definition = await readDefinition(options);
  await refuseForeignFiles(options.directory, crossingsOf(parseDefinition(definition).instances));
  const stop = signalled();
  const running = await usage(startEstate(definition));
  try {
    const files = await writeSpecFiles(running, options.directory);
    const workload = options.workload ? workloadOn(running) : undefined;
    introduce(output, running, files, workload);
    output.result(asJson(running, files, workload));
    await stop;
    if (workload !== undefined) report(output, workload, await workload.stop());
  } finally {
    await running.close();
  }
  output.say('the estate has stopped');
  return EXIT.ok;
}

async function readDefinition({ definition, speed }: EstateCommandOptions): Promise<EstateDefinitionInput> {
  if (speed !== undefined && !(speed > 0 && Number.isFinite(speed))) {
    throw new CliFailure('--speed needs a number above 0: simulated seconds per second', EXIT.usage);
  }
  const given = await usage(readDefinitionFile(definition ?? defaultDefinition()));
  return {
    ...given,
    clock: {
      // A person compares with the clock on the wall; tests want the fixed day that the definition defaults to.
      base: new Date().toISOString(),
      ...given.clock,
      ...(speed === undefined ? {} : { speed }),
    },
  };
}

/** A definition that is wrong, or asks for a port that is taken, is a mistake of the caller. */
async function usage<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    if (!(error instanceof Error)) throw error;
    if (error.name === 'DefinitionError')
      throw new CliFailure(error.message, EXIT.usage, ['the fields of a definition: docs/estate.md']);
    if ('code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES'))
      throw new CliFailure(`a port of the definition cannot be used: ${error.message}`, EXIT.usage, [
        'leave the port out of the definition to get a free one',
      ]);
    throw error;
  });
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process the hard way. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      process.off('SIGINT', end);
      process.off('SIGTERM', end);
      resolve();
    };
    process.on('SIGINT', end);
    process.on('SIGTERM', end);
  });
}

function workloadOn(running: RunningEstate): RunningWorkload {
  const workload = startWorkload(running);
  if (workload !== undefined) return workload;
  throw new CliFailure('--workload needs a database on a SQL Server and a managed instance', EXIT.usage);
}

function introduce(
  output: Output,
  running: RunningEstate,
  files: SpecFiles,
  workload: RunningWorkload | undefined,
): void {
  const { style } = output;
  const { azure, control, world } = running;
  const { clock } = world;
  output.say(
    `${style.bold('The simulated estate is running')}, 1 second here = ${clock.speed} there, simulated time ${new Date(clock.now()).toISOString()}`,
  );
  output.say('');
  output.say(table(rows(running), '  '));
  output.say('');
  output.say(`  ${style.bold('Azure')}    ${azure.endpoint}  (Resource Manager and Entra ID)`);
  output.say(`           tenant ${azure.tenantId}, client ${azure.clientId}`);
  output.say(`  ${style.bold('control')}  ${control.url}  (clock, faults, world: docs/estate.md)`);
  output.say('');
  output.say(style.bold('Files'));
  for (const file of [files.inventory, ...files.migrations, files.ca]) output.say(`  ${file}`);
  output.say(`  ${files.secrets}  ${style.dim('passwords; readable by you only')}`);
  output.say('');
  output.say(style.bold('Try this next, in another terminal'));
  for (const line of suggestions(running, files)) output.say(`  ${line}`);
  output.say('');
  if (workload !== undefined) output.say(`A workload commits numbered rows into ${workload.database}.`);
  output.say('Ctrl-C ends it. Nothing of the simulated world is kept.');
}

function rows({ instances, world }: RunningEstate): string[][] {
  return instances.map((each) => {
    const { version, edition, databases } = world.instances.get(each.name);
    const kind = each.kind === 'managed-instance' ? 'managed instance' : `SQL Server ${version.year}`;
    const held = [...databases.values()].map(
      (database) => `${database.name} (${formatBytes(database.dataBytes)})`,
    );
    return [
      each.name,
      `${kind}, ${edition.replace(' (64-bit)', '')}`,
      `${each.host},${each.port}`,
      `login ${each.adminLogin}`,
      held.join(', '),
    ];
  });
}

function suggestions(running: RunningEstate, files: SpecFiles): string[] {
  const [first] = running.instances;
  const variable = first === undefined ? '' : passwordVariable(first.name);
  const sqlcmd =
    first === undefined
      ? []
      : [
          `sqlcmd -S ${first.host},${first.port} -U ${first.adminLogin} -P "$${variable}" -C -Q "SELECT @@VERSION"`,
        ];
  return [
    `cd ${files.directory} && . ./estate.env`,
    ...sqlcmd,
    'sqlferry preflight migration.yaml',
    'sqlferry plan migration.yaml',
    'sqlferry worker                          # needs Temporal: temporal server start-dev',
    'sqlferry start migration.yaml --watch',
    `curl -s ${running.control.url}/world`,
  ];
}

/** No secret among it: those stand in the file of secrets. */
function asJson(running: RunningEstate, files: SpecFiles, workload: RunningWorkload | undefined): unknown {
  const { clientSecret: _secret, identityHeader: _header, ...azure } = running.azure;
  const { clock } = running.world;
  return {
    state: 'running',
    clock: { now: new Date(clock.now()).toISOString(), speed: clock.speed },
    instances: running.instances.map(({ adminPassword: _password, ...each }) => ({
      ...each,
      passwordVariable: passwordVariable(each.name),
    })),
    azure,
    control: running.control,
    files,
    workload: workload === undefined ? null : { database: workload.database },
  };
}

function report(output: Output, workload: RunningWorkload, { report: rows, place, lost }: WorkloadEnd): void {
  const found =
    lost === undefined
      ? `${place} cannot be asked whether they are there`
      : lost === 0
        ? `all of them are on ${place}`
        : `${lost} of them are missing on ${place}`;
  const line = `workload: ${rows.acknowledged} rows acknowledged of ${rows.attempted} attempted in ${workload.database} (${rows.unknown} with unknown outcome); ${found}`;
  // With --json standard output holds one object, and that one was printed at the start.
  if (output.json) output.note(line);
  else output.say(line);
}
