import type { LinkPlan } from '../../activities/link/plan';
import type { PlannedStep } from '../../activities/run/plan-step';
import { LINK_PHASE_TITLES } from '../../model/link/step';
import type { JournalEffect } from '../../model/run/journal';

/** The plan as a script: T-SQL where it is T-SQL, Azure requests as comments, so that it can be read and compared. */
export function planAsScript(plan: LinkPlan): string {
  const lines = [
    `-- Plan of ${plan.migration}: ${plan.database} ${wayOf(plan).join(' ')}`,
    `-- ${endOf(plan)}. Values in <angle brackets> are learnt during the run; secrets are masked.`,
  ];
  let phase = '';
  for (const step of plan.steps) {
    if (step.phase !== phase) {
      phase = step.phase;
      lines.push('', `-- ===== ${LINK_PHASE_TITLES[step.phase]} =====`);
    }
    lines.push('', ...stepAsScript(step, plan));
  }
  const hooks = hookLines(plan);
  if (hooks.length > 0) lines.push('', '-- ===== Hooks =====', '', ...hooks.map((line) => `-- ${line}`));
  return lines.join('\n');
}

/** One step as a part of a script. */
export function stepAsScript(step: PlannedStep, ends: Ends): string[] {
  return [
    `-- ${heading(step)}`,
    ...(step.note === undefined ? [] : [`-- ${step.note}`]),
    ...(step.settled === null ? [] : [`-- nothing to do: ${step.settled}`]),
    ...step.effects.flatMap((effect) => scriptLines(effect, ends)),
  ];
}

/** One step as a section of a page. */
export function stepAsMarkdown(step: PlannedStep, ends: Ends): string[] {
  return [
    `### ${heading(step)}`,
    ...(step.note === undefined ? [] : ['', `${capitalised(step.note)}.`]),
    ...(step.settled === null ? [] : ['', `Nothing to do: ${step.settled}.`]),
    ...step.effects.flatMap((effect) => ['', ...markdownLines(effect, ends)]),
  ];
}

/** Names of both ends, for people. */
export type Ends = Pick<LinkPlan, 'server' | 'instance'>;

/** The copy goes from the side that leads first. */
const wayOf = ({ server, instance, initialPrimary }: LinkPlan): readonly [string, string, string, string] =>
  initialPrimary === undefined ? ['from', server, 'to', instance] : ['from', instance, 'to', server];

const endOf = ({ route, initialPrimary }: LinkPlan): string =>
  initialPrimary === undefined ? `Cutover by ${route}` : 'The instance leads the link, which stays';

function markdownWay(plan: LinkPlan): string {
  const [, from, , to] = wayOf(plan);
  const end = plan.initialPrimary === undefined ? `cutover by ${plan.route}` : 'a DR link';
  return `from **${from}** to **${to}**, ${end}`;
}

export function planAsMarkdown(plan: LinkPlan): string {
  const lines = [`# Plan of ${plan.migration}`, '', `Database **${plan.database}** ${markdownWay(plan)}.`];
  let phase = '';
  for (const step of plan.steps) {
    if (step.phase !== phase) {
      phase = step.phase;
      lines.push('', `## ${LINK_PHASE_TITLES[step.phase]}`);
    }
    lines.push('', ...stepAsMarkdown(step, plan));
  }
  const hooks = hookLines(plan);
  if (hooks.length > 0) lines.push('', '## Hooks', '', ...hooks.map((line) => `- ${line}`));
  return lines.join('\n');
}

const hookLines = ({ hooks = [] }: LinkPlan): readonly string[] =>
  hooks.map(({ phase, name, calls }) => `${phase}: ${name}: ${oneLine(calls)}`);

function heading(step: PlannedStep): string {
  return step.repeats === 'on-cadence'
    ? `${step.title} (again and again, on cadence and on pressure)`
    : step.title;
}

function scriptLines(effect: JournalEffect, plan: Ends): string[] {
  const undo = effect.undo === undefined ? [] : [`-- undo: ${oneLine(effect.undo)}`];
  if (effect.kind === 'arm') return [`-- on Azure: ${effect.display}`, ...undo];
  return [`-- on ${where(effect, plan)}`, effect.display, ...undo, 'GO'];
}

function markdownLines(effect: JournalEffect, plan: Ends): string[] {
  const language = effect.kind === 'arm' ? 'http' : 'sql';
  const undo = effect.undo === undefined ? [] : ['', `Undo: \`${oneLine(effect.undo)}\``];
  return [`On ${where(effect, plan)}:`, '', `\`\`\`${language}`, effect.display, '```', ...undo];
}

function where(effect: JournalEffect, plan: Ends): string {
  switch (effect.on) {
    case 'server':
      return effect.server ?? plan.server;
    case 'instance':
      return plan.instance;
    case 'azure':
      return 'Azure';
    default:
      return effect.server ?? effect.on;
  }
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');
