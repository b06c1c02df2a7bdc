/** Names in the text of an argument. */

/** `[a].[b]` to its parts; undefined when it has more than three. */
export const splitName = (
  name: string,
): { database?: string; schema?: string; object: string } | undefined => {
  const parts = [...name.matchAll(/\[((?:[^\]]|\]\])*)\]|"((?:[^"]|"")*)"|([^.[\]"]+)|(?<=\.)(?=\.)/g)].map(
    (match) => match[1]?.replace(/\]\]/g, ']') ?? match[2]?.replace(/""/g, '"') ?? match[3] ?? '',
  );
  const [object, schema, database] = parts.reverse();
  if (object === undefined || parts.length > 3) return undefined;
  return {
    object,
    ...(schema === undefined || schema === '' ? {} : { schema }),
    ...(database === undefined ? {} : { database }),
  };
};
