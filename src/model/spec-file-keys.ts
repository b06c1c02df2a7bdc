import { z } from 'zod';
import type { SpecPath } from './spec-issue';

/** The part of a JSON Schema that says which keys there are. */
interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: boolean | SchemaNode;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly const?: unknown;
}

const cache = new WeakMap<z.ZodType, SchemaNode>();

/** The keys of a schema are read from its JSON Schema: a documented form, unlike zod's inner one. */
function schemaNode(schema: z.ZodType): SchemaNode {
  const known = cache.get(schema);
  if (known !== undefined) return known;
  const made = z.toJSONSchema(schema, { io: 'input' }) as SchemaNode;
  cache.set(schema, made);
  return made;
}

/** @returns keys that may stand at `path`, for the alternative that the value chose by its `type` */
export function knownKeys(schema: z.ZodType, path: SpecPath, value: unknown): readonly string[] {
  let nodes: readonly SchemaNode[] = [schemaNode(schema)];
  let here = value;
  for (const part of path) {
    nodes = nodes.flatMap((node) => alternatives(node, here)).flatMap((node) => children(node, part));
    here = childOf(here, part);
  }
  const keys = nodes
    .flatMap((node) => alternatives(node, here))
    .flatMap((node) => Object.keys(node.properties ?? {}));
  return [...new Set(keys)];
}

/** @returns dotted paths of the blocks in which a key of this name may stand */
export function parentsOf(schema: z.ZodType, key: string): readonly string[] {
  const found: string[] = [];
  const visit = (node: SchemaNode, path: string): void => {
    if (node.properties !== undefined && Object.hasOwn(node.properties, key) && path !== '') found.push(path);
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      visit(child, path === '' ? name : `${path}.${name}`);
    }
    for (const child of [...(node.anyOf ?? []), ...(node.oneOf ?? [])]) visit(child, path);
    if (typeof node.additionalProperties === 'object') visit(node.additionalProperties, `${path}.<name>`);
    if (node.items !== undefined) visit(node.items, `${path}[]`);
  };
  visit(schemaNode(schema), '');
  return [...new Set(found)];
}

function alternatives(node: SchemaNode, value: unknown): readonly SchemaNode[] {
  const branches = [...(node.anyOf ?? []), ...(node.oneOf ?? [])];
  if (branches.length === 0) return [node];
  const chosen = childOf(value, 'type');
  const matching = branches.filter((branch) => branch.properties?.type?.const === chosen);
  return matching.length > 0 ? matching : branches;
}

function children(node: SchemaNode, part: string | number): readonly SchemaNode[] {
  if (typeof part === 'number') return node.items === undefined ? [] : [node.items];
  const property = Object.hasOwn(node.properties ?? {}, part) ? node.properties?.[part] : undefined;
  if (property !== undefined) return [property];
  return typeof node.additionalProperties === 'object' ? [node.additionalProperties] : [];
}

export function childOf(value: unknown, part: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
  return (value as Readonly<Record<string | number, unknown>>)[part];
}
