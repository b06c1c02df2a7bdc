/** Object names are compared without case: most servers are case-insensitive, and cluster names always are. */
export const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export const includesName = (names: readonly string[], name: string): boolean =>
  names.some((candidate) => sameName(candidate, name));
