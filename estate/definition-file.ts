/** Definitions of estates in files, YAML or JSON. */
import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { DefinitionError, type EstateDefinitionInput, parseDefinition } from './world/definition';

/**
 * Reads and checks a definition.
 * @param file path of a YAML or JSON file
 * @returns the definition as it stands there, without defaults
 * @throws DefinitionError naming the file and, where there is one, the line or the path of each bad field
 */
export async function readDefinitionFile(file: string): Promise<EstateDefinitionInput> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new DefinitionError(`${file} cannot be read: ${error.code ?? error.message}`);
  });
  return parseDefinitionText(text, file);
}

/** As `readDefinitionFile`, from text. @param file name for messages */
export function parseDefinitionText(text: string, file: string): EstateDefinitionInput {
  const document = parseDocument(text);
  const [broken] = document.errors;
  if (broken !== undefined) throw new DefinitionError(`${file}: ${broken.message}`);
  // An empty file, or one with comments only, is the default estate.
  const input: unknown = document.toJS() ?? {};
  try {
    parseDefinition(input);
  } catch (error) {
    if (error instanceof DefinitionError) throw new DefinitionError(`${file}: ${error.message}`);
    throw error;
  }
  return input as EstateDefinitionInput;
}
