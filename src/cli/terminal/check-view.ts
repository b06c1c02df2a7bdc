import type { CheckResult, PreflightReport } from '../../model/run/check';
import type { Style } from './style';

/** Which checks are shown: all, those that failed or stayed open, or of these only blockers and warnings. */
export type Shown = 'all' | 'open' | 'important';

/** The checks, the gravest first, and the verdict. */
export function checkLines(report: PreflightReport, style: Style, shown: Shown): string[] {
  const checks = report.checks.filter((check) => isShown(check, shown)).sort((a, b) => weight(a) - weight(b));
  const lines = checks.flatMap((check) => oneCheck(check, style));
  return [...lines, ...(lines.length > 0 ? [''] : []), verdict(report, style)];
}

function isShown(check: CheckResult, shown: Shown): boolean {
  if (shown === 'all') return true;
  return isOpen(check) && (shown === 'open' || check.severity !== 'info');
}

const isOpen = (check: CheckResult): boolean => check.outcome === 'failed' || check.outcome === 'unknown';

const WEIGHTS = { blocker: 0, warning: 1, info: 2 } as const;

/** What is in order stands last. */
const weight = (check: CheckResult): number => (isOpen(check) ? WEIGHTS[check.severity] : 3);

function verdict({ checks, blockers, warnings }: PreflightReport, style: Style): string {
  const count = (test: (check: CheckResult) => boolean): number => checks.filter(test).length;
  const remarks = count((check) => isOpen(check) && check.severity === 'info');
  const parts = [
    some(blockers, 'blocker'),
    some(warnings, 'warning'),
    some(remarks, 'remark'),
    `${count((check) => check.outcome === 'passed')} passed`,
    `${count((check) => check.outcome === 'not-applicable')} do not apply`,
  ];
  const head = blockers > 0 ? style.red('not ready') : style.green('ready to start');
  return `${head}: ${parts.join(', ')}`;
}

const some = (count: number, what: string): string =>
  count === 0 ? `no ${what}s` : `${count} ${what}${count === 1 ? '' : 's'}`;

function oneCheck(check: CheckResult, style: Style): string[] {
  const lines = [`${sign(check, style)} ${style.bold(check.id)}  ${check.evidence}`];
  if (!isOpen(check)) return lines;
  if (check.remedy !== null) lines.push(`    ${style.dim('→')} ${check.remedy}`);
  const prevents = check.preventsError === null ? '' : `; prevents ${check.preventsError}`;
  lines.push(style.dim(`    ${check.source}${prevents}`));
  return lines;
}

function sign(check: CheckResult, style: Style): string {
  if (check.outcome === 'passed') return style.green('✓');
  if (check.outcome === 'not-applicable') return style.dim('–');
  switch (check.severity) {
    case 'blocker':
      return style.red('✗');
    case 'warning':
      return style.yellow('!');
    case 'info':
      return style.dim('·');
  }
}
