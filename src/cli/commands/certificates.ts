/** certificates: list, rotate, schedule. */
import type { Certificates } from '../../client/certificates';
import { formatDuration, LONGEST_DURATION_MS, parseDuration } from '../../model/duration';
import { groupMembers, onServer } from '../../model/link/replicas';
import type { ResolvedLink } from '../../model/link/spec';
import { confirm, requester } from '../asking';
import { EXIT, type ExitCode } from '../exit-codes';
import { CliFailure } from '../failure';
import { withLocalPorts } from '../local-ports';
import type { Output } from '../output';
import { loadLinkMigration, type SpecFileOptions } from '../spec-files';
import { type TemporalOptions, withCertificates } from '../temporal';
import { certificateLines, rotationLines } from '../terminal/certificate-view';
import { table } from '../terminal/format';
import { type RequestOptions, request, show } from './requests';

interface EndpointOptions extends SpecFileOptions, TemporalOptions {
  /** Replica of the availability group, by its name in the inventory; by default the SQL Server. */
  readonly server?: string;
  /** Files of further migrations of the same server. */
  readonly with?: readonly string[];
  /** Milliseconds. */
  readonly within: number;
}

export interface RotateOptions extends EndpointOptions {
  readonly reimport: boolean;
  readonly by?: string;
  readonly reason?: string;
  readonly wait: boolean;
  readonly yes: boolean;
}

export interface ScheduleOptions extends EndpointOptions {
  readonly check?: readonly string[];
  /** Milliseconds. */
  readonly rotateBefore: number;
  readonly onlyTell: boolean;
}

/** Reads the certificates from here, without Temporal. Changes nothing. */
export async function certificates(output: Output, options: SpecFileOptions): Promise<ExitCode> {
  const spec = await loadLinkMigration(options);
  const { readCertificateInventory } = await import('../../activities/sql-server/certificates');
  const members = groupMembers(spec);
  if (members.length === 0) {
    const inventory = await withLocalPorts(spec, (context) => readCertificateInventory(context));
    for (const line of certificateLines(inventory, output.style)) output.say(line);
    output.result(inventory);
    return EXIT.ok;
  }
  // Each replica has an endpoint and certificates of its own.
  const servers = [];
  for (const { name } of members) {
    const inventory = await withLocalPorts(onServer(spec, name), (context) =>
      readCertificateInventory(context),
    );
    output.say(output.style.bold(name));
    for (const line of certificateLines(inventory, output.style)) output.say(line);
    output.say('');
    servers.push({ server: name, ...inventory });
  }
  output.result({ servers });
  return EXIT.ok;
}

export async function rotate(output: Output, options: RotateOptions): Promise<ExitCode> {
  const links = await loadEndpoint(options);
  const { server } = links.spec.settings;
  await confirm(
    output,
    options.reimport
      ? `This drops the certificate of the instance and the authorities of Azure on ${server}, and imports them anew.`
      : `This gives the endpoint of ${server} a new certificate. All its links reconnect; nothing is seeded again.`,
    options.yes,
  );
  return withCertificates(options, async (client) => {
    const started = await client.rotate({
      ...links,
      by: requester(options.by),
      ...(options.reason === undefined ? {} : { reason: options.reason }),
      rotateEndpoint: !options.reimport,
      reimportInstance: options.reimport,
      connectWithinMs: options.within,
    });
    if (!options.wait) {
      output.say(`the rotation runs as ${started.workflowId}`);
      output.result(started);
      return EXIT.ok;
    }
    return showResult(output, client, server, started.runId);
  });
}

async function showResult(
  output: Output,
  client: Certificates,
  server: string,
  runId: string,
): Promise<ExitCode> {
  const result = await client.result(server, runId);
  for (const line of rotationLines(result, output.style)) output.say(line);
  for (const { nextStep } of result.refusals) output.say(`  ${output.style.dim('→')} ${nextStep}`);
  output.result(result);
  switch (result.outcome) {
    case 'done':
      return EXIT.ok;
    case 'refused':
      return EXIT.refused;
    case 'rolled-back':
    case 'aborted':
      return EXIT.failed;
  }
}

export async function schedule(output: Output, options: ScheduleOptions): Promise<ExitCode> {
  const links = await loadEndpoint(options);
  const everyMs = intervalOf(options.check ?? ['every', '1d']);
  const { name, certificate } = links.spec.settings;
  const rotateBeforeMs = options.onlyTell ? null : options.rotateBefore;
  if (rotateBeforeMs !== null && rotateBeforeMs >= certificate.validFor) {
    throw new CliFailure(
      `--rotate-before ${formatDuration(rotateBeforeMs)} is not less than certificate.validFor of the migration (${formatDuration(certificate.validFor)}): each new certificate would be due at once`,
      EXIT.usage,
    );
  }
  return withCertificates(options, async (client) => {
    const made = await client.schedule({
      ...links,
      everyMs,
      rotateBeforeMs,
      connectWithinMs: options.within,
    });
    const rotation =
      rotateBeforeMs === null
        ? 'people are told'
        : `rotated when less than ${formatDuration(rotateBeforeMs)} are left`;
    output.say(
      `certificates of ${name}: ${made.changed ? 'schedule changed' : 'scheduled'}: looked at every ${formatDuration(everyMs)}, ${rotation}`,
    );
    output.result({ name, everyMs, rotateBeforeMs, ...made });
    return EXIT.ok;
  });
}

export async function schedules(output: Output, options: TemporalOptions): Promise<ExitCode> {
  return withCertificates(options, async (client) => {
    const found = await client.schedules();
    if (found.length === 0) {
      output.say('no schedules; make one with: sqlferry certificates schedule migration.yaml');
    } else {
      const head = ['NAME', 'SERVER', 'EVERY', 'ROTATES BEFORE', 'STATE', 'NEXT (UTC)'].map(output.style.dim);
      const rows = found.map((one) => [
        one.name,
        one.server ?? '',
        one.everyMs === null ? '' : formatDuration(one.everyMs),
        one.rotateBeforeMs === null ? 'never' : formatDuration(one.rotateBeforeMs),
        one.paused ? output.style.red('paused') : 'active',
        one.nextCheckAt?.slice(0, 19).replace('T', ' ') ?? '',
      ]);
      output.say(table([head, ...rows]));
      for (const { name, note } of found.filter(({ paused }) => paused)) {
        output.say(`${name} is paused: ${note ?? 'no note'}; to go on, give the schedule command again`);
      }
    }
    output.result({ schedules: found });
    return EXIT.ok;
  });
}

export async function unschedule(output: Output, name: string, options: TemporalOptions): Promise<ExitCode> {
  return withCertificates(options, async (client) => {
    await client.unschedule(name);
    output.say(`certificates of ${name}: not looked at any more`);
    output.result({ name, unscheduled: true });
    return EXIT.ok;
  });
}

async function loadEndpoint(
  options: EndpointOptions,
): Promise<{ spec: ResolvedLink; others: readonly ResolvedLink[] }> {
  const { inventory, migration, server } = options;
  const load = async (file: string): Promise<ResolvedLink> =>
    onReplica(await loadLinkMigration({ inventory, migration: file }), server);
  const spec = await load(migration);
  const others: ResolvedLink[] = [];
  for (const file of options.with ?? []) others.push(await load(file));
  const { endpointMismatch } = await import('../../client/certificates');
  const mismatch = endpointMismatch({ spec, others });
  if (mismatch !== undefined) throw new CliFailure(`--with: ${mismatch}`, EXIT.usage);
  return { spec, others };
}

/**
 * One endpoint at a time: of a group with several replicas the one of `server`. What is scheduled for another replica
 * than the SQL Server gets a name of its own.
 */
function onReplica(spec: ResolvedLink, replica: string | undefined): ResolvedLink {
  const { name, server } = spec.settings;
  if (replica === undefined || replica === server) return onServer(spec, server);
  const known = groupMembers(spec).map((member) => member.name);
  if (!known.includes(replica)) {
    const list = known.length === 0 ? `${server} alone` : known.join(', ');
    throw new CliFailure(`--server: ${name} has no replica "${replica}"`, EXIT.usage, [`it has ${list}`]);
  }
  const alone = onServer(spec, replica);
  return { ...alone, settings: { ...alone.settings, name: `${name}.${replica}` } };
}

/** `every 1d`, also as one word or without `every`. */
function intervalOf(words: readonly string[]): number {
  const text = words.join(' ').trim();
  const ms = parseDuration(text.replace(/^every\s+/, ''));
  if (ms !== undefined && ms >= 1_000 && ms <= LONGEST_DURATION_MS) return ms;
  throw new CliFailure(`--check "${text}" is no interval`, EXIT.usage, [
    'write for example: --check every 1d (behind the migration file)',
  ]);
}

/** What an operator asks of a rotation that is under way. */
export async function resumeRotation(output: Output, server: string, options: RequestOptions): Promise<void> {
  await withCertificates(options, async (client) => {
    show(output, 'resume the rotation of', server, await client.resume(server, request(options)));
  });
}

export async function abortRotation(output: Output, server: string, options: RequestOptions): Promise<void> {
  await confirm(
    output,
    `This ends the rotation of the certificate of ${server} and gives back what it made: the endpoint uses its old certificate again.`,
    options.yes ?? false,
  );
  await withCertificates(options, async (client) => {
    show(output, 'abort the rotation of', server, await client.abort(server, request(options)));
  });
}

export async function leaveRotation(output: Output, server: string, options: RequestOptions): Promise<void> {
  await confirm(
    output,
    `This leaves behind what the undo of the rotation on ${server} does not get through to: a person has to remove it by hand, as the result names it.`,
    options.yes ?? false,
  );
  await withCertificates(options, async (client) => {
    show(output, 'leave', server, await client.leave(server, request(options)));
  });
}
