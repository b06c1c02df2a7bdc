import type { CheckResult, PreflightReport } from '../../model/check';
import type { Style } from './style';

/** @param all true shows what passed as well */
export function checkLines(report: PreflightReport, style: Style, all: boolean): string[] {
  const shown = report.checks.filter((check) => all || isNews(check));
  const lines = shown.flatMap((check) => oneCheck(check, style));
  const passed = report.checks.filter((check) => check.outcome === 'passed').length;
  return [
    ...lines,
    ...(lines.length > 0 ? [''] : []),
    `${passed} of ${report.checks.length} checks passed, ${report.blockers} blocker(s), ${report.warnings} warning(s)`,
  ];
}

const isNews = (check: CheckResult): boolean => check.outcome === 'failed' || check.outcome === 'unknown';

function oneCheck(check: CheckResult, style: Style): string[] {
  const lines = [`${sign(check, style)} ${style.bold(check.id)}  ${check.evidence}`];
  if (!isNews(check)) return lines;
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
