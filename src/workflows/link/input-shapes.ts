/** Shapes of the start inputs of the workflows of a link. */
import { anyObject, exactly, optional, wholeNumber, yesOrNo } from '../run/shapes';
import { specShape } from './spec-shape';
import type { LinkRunInput } from './state';

export const linkInputShape = exactly<LinkRunInput>({
  spec: specShape,
  visibility: yesOrNo,
  maxHistoryEvents: optional(wholeNumber(1, 1_000_000)),
  state: optional(anyObject()),
});
