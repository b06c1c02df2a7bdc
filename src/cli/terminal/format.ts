/** Numbers as people read them. */
import { formatDuration } from '../../model/duration';
import { visibleLength } from './layout';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** @param bytes count; decimal units, three significant digits: `13.4 GB` */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  const digits = value >= 100 || unit === 0 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** @param fraction 0 to 1 */
export function bar(fraction: number, width: number): string {
  const filled = Math.round(Math.min(Math.max(fraction, 0), 1) * width);
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`;
}

/** Columns padded to their widest cell; the last one is left as it is. */
export function table(rows: readonly (readonly string[])[], indent = ''): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, visibleLength(cell));
    });
  }
  return rows
    .map((row) =>
      `${indent}${row
        .map((cell, column) =>
          column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - visibleLength(cell)),
        )
        .join('  ')}`.trimEnd(),
    )
    .join('\n');
}

/** @param iso time in ISO 8601, UTC; @returns `2026-11-28 02:57:09 UTC` */
export const formatTime = (iso: string): string => `${iso.slice(0, 19).replace('T', ' ')} UTC`;

/** A length of time that a person waits: tenths of a second only where they are most of it. */
export const formatSpent = (ms: number): string =>
  formatDuration(ms < 10_000 ? ms : Math.round(ms / 1_000) * 1_000);
