/** approve, postpone, pause, resume, abort, leave, schedule: what an operator asks of a run. */
import type { Answer } from '../../workflows/run/answers';
import { confirm, requester } from '../asking';
import { EXIT } from '../exit-codes';
import { CliFailure } from '../failure';
import type { Output } from '../output';
import { type TemporalOptions, withMigrations } from '../temporal';

export interface RequestOptions extends TemporalOptions {
  readonly by?: string;
  readonly reason?: string;
  readonly yes?: boolean;
}

export async function approve(
  output: Output,
  name: string,
  options: RequestOptions & { readonly acceptDrift?: boolean },
): Promise<void> {
  await confirm(
    output,
    `This lets ${name} cut over: the applications are fenced off the SQL Server, and the instance becomes the primary.`,
    options.yes ?? false,
  );
  const asked = { ...request(options), ...(options.acceptDrift ? { acceptDrift: true as const } : {}) };
  await withMigrations(options, async (migrations) => {
    show(output, 'approve', name, await migrations.approve(name, asked));
  });
}

export async function pause(output: Output, name: string, options: RequestOptions): Promise<void> {
  await withMigrations(options, async (migrations) => {
    show(output, 'pause', name, await migrations.pause(name, request(options)));
  });
}

export async function resume(output: Output, name: string, options: RequestOptions): Promise<void> {
  await withMigrations(options, async (migrations) => {
    show(output, 'resume', name, await migrations.resume(name, request(options)));
  });
}

export async function abort(output: Output, name: string, options: RequestOptions): Promise<void> {
  await confirm(
    output,
    `This ends ${name} and undoes what the run made, latest first: link, copy on the instance, groups, endpoint, trust.`,
    options.yes ?? false,
  );
  await withMigrations(options, async (migrations) => {
    show(output, 'abort', name, await migrations.abort(name, request(options)));
  });
}

export async function leave(output: Output, name: string, options: RequestOptions): Promise<void> {
  await confirm(
    output,
    `This leaves behind what the undo of ${name} does not get through to: a person has to remove it by hand, as the result names it.`,
    options.yes ?? false,
  );
  await withMigrations(options, async (migrations) => {
    show(output, 'leave', name, await migrations.leave(name, request(options)));
  });
}

export async function postpone(
  output: Output,
  name: string,
  options: RequestOptions & { readonly until: string },
): Promise<void> {
  const asked = { ...request(options), until: timeOf(options.until) };
  await withMigrations(options, async (migrations) => {
    show(output, 'postpone', name, await migrations.postpone(name, asked));
  });
}

export interface ScheduleOptions extends RequestOptions {
  readonly now?: boolean;
  readonly at?: string;
  readonly windows?: string;
}

export async function schedule(output: Output, name: string, options: ScheduleOptions): Promise<void> {
  const { cutoverScheduleSchema } = await import('../../model/run/settings');
  const parsed = cutoverScheduleSchema.safeParse(await scheduleOf(options));
  if (!parsed.success) {
    const text = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw new CliFailure(`the schedule is not valid: ${text}`, EXIT.usage);
  }
  await withMigrations(options, async (migrations) => {
    const asked = { ...request(options), schedule: parsed.data };
    show(output, 'schedule', name, await migrations.changeSchedule(name, asked));
  });
}

async function scheduleOf(options: ScheduleOptions): Promise<unknown> {
  const given = [options.now, options.at, options.windows].filter((value) => value !== undefined);
  if (given.length !== 1) throw new CliFailure('give one of --now, --at TIME or --windows FILE', EXIT.usage);
  if (options.at !== undefined) return { type: 'at', time: timeOf(options.at) };
  if (options.windows === undefined) return { type: 'as-soon-as-ready' };
  const { readFileSync } = await import('node:fs');
  const { parse } = await import('yaml');
  return { type: 'in-windows', windows: parse(readFileSync(options.windows, 'utf8')) };
}

function timeOf(text: string): string {
  const time = Date.parse(text);
  if (Number.isNaN(time)) {
    throw new CliFailure(`"${text}" is no time`, EXIT.usage, ['write for example 2026-12-01T22:00:00Z']);
  }
  return new Date(time).toISOString();
}

export function request(options: RequestOptions) {
  return {
    by: requester(options.by),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  };
}

/** Prints an answer. @throws CliFailure with the reasons when it is a refusal */
export function show(output: Output, asked: string, name: string, answer: Answer): void {
  if (!answer.accepted) {
    throw new CliFailure(
      `${asked} ${name}: refused: ${answer.reasons.join('; ')}`,
      EXIT.refused,
      answer.nextSteps,
      { rule: answer.rule, reasons: answer.reasons },
    );
  }
  output.say(`${asked} ${name}: ${answer.note}`);
  output.result({ name, ...answer });
}
