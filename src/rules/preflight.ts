import type { CheckResult, PreflightReport } from '../model/run/check';

/** What a check found. `remedy` replaces the general one of the check where more is known. */
export interface Finding {
  readonly outcome: CheckResult['outcome'];
  readonly evidence: string;
  readonly remedy?: string;
}

/** One documented condition: what is asked, why, and how it is read from the facts. */
export interface PreflightCheck<Context> {
  readonly id: string;
  readonly title: string;
  readonly severity: CheckResult['severity'];
  /** What to do when it fails, in general. */
  readonly remedy: string;
  readonly source: string;
  readonly preventsError: string | null;
  readonly run: (context: Context) => Finding;
}

/** The part of a check that documentation shows. */
export type CheckDescription = Omit<PreflightCheck<never>, 'run'>;

export const passed = (evidence: string): Finding => ({ outcome: 'passed', evidence });
export const failed = (evidence: string, remedy?: string): Finding =>
  remedy === undefined ? { outcome: 'failed', evidence } : { outcome: 'failed', evidence, remedy };
export const unknown = (evidence: string, remedy?: string): Finding =>
  remedy === undefined ? { outcome: 'unknown', evidence } : { outcome: 'unknown', evidence, remedy };
export const notApplicable = (evidence: string): Finding => ({ outcome: 'not-applicable', evidence });

/**
 * Runs every check; none stops another, so a person sees all that is to be done at once.
 * @param observedAt time of the oldest fact, ISO 8601 UTC
 */
export function runChecks<Context>(
  checks: readonly PreflightCheck<Context>[],
  context: Context,
  observedAt: string,
): PreflightReport {
  const results = checks.map((check) => runCheck(check, context));
  const open = (severity: CheckResult['severity']): number =>
    results.filter((result) => result.severity === severity && isOpen(result)).length;
  return { observedAt, checks: results, blockers: open('blocker'), warnings: open('warning') };
}

function runCheck<Context>(check: PreflightCheck<Context>, context: Context): CheckResult {
  const { run, remedy, ...description } = check;
  const finding = run(context);
  const { outcome, evidence } = finding;
  return { ...description, outcome, evidence, remedy: isOpen(finding) ? (finding.remedy ?? remedy) : null };
}

/** What could not be read is no pass. */
const isOpen = ({ outcome }: Pick<CheckResult, 'outcome'>): boolean =>
  outcome === 'failed' || outcome === 'unknown';

/** @returns a Markdown table of checks, for the documentation */
export function checkTable(checks: readonly CheckDescription[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = checks.map(
    ({ id, severity, title, preventsError, remedy, source }) =>
      `| \`${id}\` | ${severity} | ${cell(title)} | ${cell(preventsError ?? '')} | ${cell(remedy)} | ${cell(source)} |`,
  );
  return [
    '| id | severity | what is asked | error it prevents | what to do | source |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}
