/** Search patterns of the catalog procedures: LIKE's wildcards, and names in brackets that stand for themselves. */
import { likeMatcher } from '../../sql/query/like';

/**
 * @param pattern null or undefined matches everything
 * @param wildcards false: the text stands for itself
 */
export const matcher = (pattern: string | null, wildcards = true): ((name: string) => boolean) => {
  if (pattern === null) return () => true;
  if (!wildcards) return (name) => name.toLowerCase() === pattern.toLowerCase();
  const expression = likeMatcher(pattern, undefined);
  return (name) => expression.test(name);
};
