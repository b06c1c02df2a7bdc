const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** Writes bytes as a person would, 1 KB = 1024 B: `1.5 GB`. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : Number(value.toFixed(1))} ${UNITS[unit]}`;
}
