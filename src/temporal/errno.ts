/** Whether a system call failed with this code. Not `instanceof Error`: that is false across contexts of node:vm. */
export function isErrno(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
