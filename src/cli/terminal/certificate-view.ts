import { byWord } from '../../model/by-word';
import type { CertificateInventory, CertificateItem } from '../../rules/sql-server/certificate-inventory';
import type { CertificateRotationResult } from '../../workflows/sql-server/certificate-messages';
import { table } from './format';
import type { Style } from './style';

/** All certificates of a link as a table, then the chain. */
export function certificateLines(inventory: CertificateInventory, style: Style): string[] {
  const { serverName, instanceFqdn, chain } = inventory;
  const head = ['CERTIFICATE', 'ON', 'EXPIRES (UTC)', 'LEFT', 'STATE', 'WHAT FOR'].map(style.dim);
  const rows = inventory.items.map((item) => [
    item.name,
    byWord('place of a certificate', item.where, {
      server: serverName,
      instance: instanceFqdn.split('.', 1)[0] ?? instanceFqdn,
    }),
    item.expiresAt?.slice(0, 10) ?? '',
    item.daysLeft === null ? '' : `${item.daysLeft} d`,
    painted(item, style),
    item.note,
  ]);
  const chainText = {
    valid: style.green('the chain validates'),
    broken: style.red('the chain does not validate'),
    'not-checkable': style.dim('the chain was not validated'),
  }[chain.state];
  return [table([head, ...rows]), '', `${chainText}: ${chain.detail}`];
}

function painted({ level }: CertificateItem, style: Style): string {
  switch (level) {
    case 'ok':
      return style.green(level);
    case 'unknown':
    case 'info':
      return level;
    case 'warning':
      return style.yellow(level);
    case 'critical':
    case 'missing':
    case 'expired':
      return style.red(level);
  }
}

/** How a rotation ended. */
export function rotationLines(result: CertificateRotationResult, style: Style): string[] {
  const { outcome, summary, oldCertificate, newCertificate, proof, secondsWithoutConnection } = result;
  const colour = outcome === 'done' ? style.green : outcome === 'refused' ? style.yellow : style.red;
  const certificate = (what: string, one: typeof oldCertificate): string[] =>
    one === null ? [] : [`  ${what}  ${one.name}  ${one.thumbprint}  until ${one.expiresAt.slice(0, 10)}`];
  return [
    `${colour(outcome)}: ${summary}`,
    ...certificate('old', oldCertificate),
    ...certificate('new', newCertificate),
    ...(proof === null ? [] : [`  ${outcome === 'done' ? 'proof' : 'seen'}  ${proof}`]),
    ...(secondsWithoutConnection === null
      ? []
      : [`  at most ${secondsWithoutConnection} s without connection (as sampled)`]),
    ...result.leftovers.map((left) => `  ${style.yellow('left')}  ${left}`),
  ];
}
