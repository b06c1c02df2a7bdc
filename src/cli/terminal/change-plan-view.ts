import type { LinkChangePlan } from '../../activities/link/plan-change';
import { bySite, type LinkSite, linkSite } from '../../model/link/side';
import type { Change } from '../../model/run/procedure';
import type { SiteId } from '../../model/run/site';
import { stepAsMarkdown, stepAsScript } from './plan-view';

/** The plan of a change as a script, as the plan of a set-up is one. */
export function changeAsScript(plan: LinkChangePlan): string {
  return [
    `-- Plan of ${titleOf(plan.change, plan)} of ${plan.migration}: ${plan.database}, ${plan.server} and ${plan.instance}`,
    ...remarks(plan).map((line) => `-- ${line}`),
    ...plan.steps.flatMap((step) => ['', ...stepAsScript(step, plan)]),
  ].join('\n');
}

export function changeAsMarkdown(plan: LinkChangePlan): string {
  return [
    `# Plan of ${titleOf(plan.change, plan)} of ${plan.migration}`,
    '',
    `Database **${plan.database}**, **${plan.server}** and **${plan.instance}**.`,
    '',
    ...remarks(plan).map((line) => `- ${line}`),
    ...plan.steps.flatMap((step) => ['', ...stepAsMarkdown(step, plan)]),
  ].join('\n');
}

function remarks({ roles, server, instance, loss, refusals }: LinkChangePlan): string[] {
  const role = (side: LinkSite): string => roles[side] ?? 'no answer';
  return [
    `Now: ${server} ${role('server')}, ${instance} ${role('instance')}.`,
    ...refusals.map((refusal) => `A run would be refused now: ${refusal}.`),
    ...(loss === null ? [] : [`Loss, if it happened now: ${loss.summary}.`]),
    'Values in <angle brackets> are learnt during the run; secrets are masked.',
  ];
}

function titleOf(change: Change, { server, instance }: Pick<LinkChangePlan, 'server' | 'instance'>): string {
  const nameOf = (site: SiteId): string => bySite(linkSite(site), { server, instance });
  switch (change.kind) {
    case 'failover':
      return `the ${change.type} failover to ${nameOf(change.to)}`;
    case 'drill':
      return `a drill on ${nameOf(change.to)}`;
    case 'repair':
      return `the repair with ${nameOf(change.survivor)} as survivor`;
    case 'removal':
      return 'the removal';
  }
}
