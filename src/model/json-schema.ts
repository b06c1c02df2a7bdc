import { z } from 'zod';
import { inventorySchema } from './inventory';
import { linkSchema } from './link/spec';

const SPECS = {
  inventory: { schema: inventorySchema, title: 'sqlferry inventory' },
  'link-migration': { schema: linkSchema, title: 'sqlferry link migration' },
} as const;

export type SpecSchemaName = keyof typeof SPECS;

/**
 * JSON Schemas of the spec files as they are written (before defaults and conversions), for editors.
 * `schemas/<name>.schema.json` on disk is this, kept up to date by test/model/json-schema.test.ts.
 */
export function jsonSchemas(): Readonly<Record<SpecSchemaName, Readonly<Record<string, unknown>>>> {
  const make = (name: SpecSchemaName): Readonly<Record<string, unknown>> => ({
    title: SPECS[name].title,
    ...z.toJSONSchema(SPECS[name].schema, { io: 'input' }),
  });
  return { inventory: make('inventory'), 'link-migration': make('link-migration') };
}
