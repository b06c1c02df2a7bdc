import { type LinkSite, otherSite } from '../../model/link/side';
import type { LinkSpec } from '../../model/link/spec';
import type { ObjectFinding, ObjectsReport } from '../../model/sql-server/instance-objects';
import type { Style } from './style';

/** What was found outside of the database, the gravest first, each with what to do. */
export function objectLines(
  report: ObjectsReport<LinkSite>,
  migration: LinkSpec,
  style: Style,
  all: boolean,
): string[] {
  const from = migration[report.primary];
  const to = migration[otherSite(report.primary)];
  const shown = report.findings
    .filter(({ state }) => all || state !== 'same')
    .sort((a, b) => WEIGHTS[a.state] - WEIGHTS[b.state]);
  return [
    `What ${from} has, and ${to}:`,
    ...shown.flatMap((finding) => oneFinding(finding, style)),
    ...(shown.length > 0 ? [''] : []),
    verdict(report.findings, style),
  ];
}

const WEIGHTS: Readonly<Record<ObjectFinding['state'], number>> = {
  'cannot-be-copied': 0,
  missing: 1,
  differs: 2,
  remark: 3,
  same: 4,
};

const WORDS: Readonly<Record<ObjectFinding['state'], string>> = {
  'cannot-be-copied': 'cannot be copied',
  missing: 'missing',
  differs: 'differs',
  remark: 'not copied',
  same: 'same',
};

function oneFinding({ kind, name, state, detail, remedy }: ObjectFinding, style: Style): string[] {
  const what = detail === '' ? '' : `  ${detail}`;
  const head = `${sign(state, style)} ${style.bold(`${kind} ${name}`)}  ${WORDS[state]}${what}`;
  return remedy === '' ? [head] : [head, `    ${style.dim('→')} ${remedy}`];
}

function sign(state: ObjectFinding['state'], style: Style): string {
  switch (state) {
    case 'same':
      return style.green('✓');
    case 'cannot-be-copied':
      return style.red('✗');
    case 'missing':
    case 'differs':
      return style.yellow('!');
    case 'remark':
      return style.dim('·');
  }
}

function verdict(findings: readonly ObjectFinding[], style: Style): string {
  const count = (wanted: ObjectFinding['state']): number =>
    findings.filter(({ state }) => state === wanted).length;
  const copyable = count('missing') + count('differs');
  const parts = [
    `${count('same')} the same`,
    `${copyable} to copy`,
    `${count('cannot-be-copied')} cannot be copied`,
    `${count('remark')} by hand`,
  ];
  const isSame = copyable + count('cannot-be-copied') === 0;
  const head = isSame ? style.green('both sides are alike') : style.red('the sides differ');
  return `${head}: ${parts.join(', ')}`;
}
