import { ApplicationFailure } from '@temporalio/common';

/** The spec was resolved by a version of sqlferry that this worker does not know. */
export const UNKNOWN_SPEC_VERSION = 'UnknownSpecVersion';

/** The input of a workflow with its spec as this worker reads it. Its shape is checked behind that. */
export function withKnownSpec<Input extends { readonly spec: { readonly version: number } }>(
  input: Input,
): Input {
  const spec: unknown = input?.spec;
  if (!hasVersion(spec)) return input;
  const known = upgradeSpec(spec);
  return known === spec ? input : { ...input, spec: known };
}

const hasVersion = (spec: unknown): spec is { readonly version: number } =>
  typeof spec === 'object' && spec !== null && 'version' in spec && typeof spec.version === 'number';

/**
 * The one place that reads a spec from before, as a run that stands for years holds one: each older version gets its step
 * up here, and the next history begins with what came of it.
 * @throws ApplicationFailure, not to be tried again, for a version that this worker does not know
 */
export function upgradeSpec(spec: { readonly version: number }): { readonly version: number } {
  switch (spec.version) {
    case 1:
      return spec;
    default:
      throw ApplicationFailure.create({
        type: UNKNOWN_SPEC_VERSION,
        nonRetryable: true,
        message: `the spec of the run has version ${spec.version}, and this worker knows version 1`,
        details: [
          {
            remedy:
              'nothing was changed; run workers of the version of sqlferry that resolved it, and reset the workflow to its first task',
          },
        ],
      });
  }
}
