/** Shapes of the start inputs of all workflow types. */
import type { Slots } from '../../rules/run/failover-slots';
import type { SlotsInput } from '../run/failover-slot-messages';
import {
  anyObject,
  anyText,
  duration,
  exactly,
  type Fields,
  including,
  list,
  name,
  nullable,
  optional,
  time,
  wholeNumber,
  yesOrNo,
} from '../run/shapes';
import { slotRequest } from '../run/signal-shapes';
import type { FailoverInput } from '../run/standing-messages';
import { failoverOfRunShape } from '../run/standing-request-shapes';
import type { RunInput } from '../run/state';
import type {
  CertificateCheckInput,
  CertificateRotationInput,
  EndpointLinks,
} from '../sql-server/certificate-messages';
import { specShape } from './spec-shape';
import { health } from './state-shape';

const maxHistoryEvents = optional(wholeNumber(1, 1_000_000));

export const linkInputShape = exactly<RunInput>({
  spec: specShape,
  visibility: yesOrNo,
  maxHistoryEvents,
  state: optional(anyObject()),
});

export const failoverInputShape = exactly<FailoverInput>({
  spec: specShape,
  request: failoverOfRunShape,
  lastHealth: nullable(health),
  askedAt: optional(time),
});

const slots = including<Slots>({
  holders: list(slotRequest, 0, 100_000),
  queue: list(slotRequest, 0, 100_000),
});

export const slotsInputShape = exactly<SlotsInput>({
  instance: name('a resource id', 1_000),
  first: optional(slotRequest),
  maxHistoryEvents,
  state: optional(slots),
});

const ENDPOINT: Fields<EndpointLinks> = { spec: specShape, others: list(specShape) };

export const certificateCheckShape = exactly<CertificateCheckInput>({
  ...ENDPOINT,
  rotateBeforeMs: nullable(duration()),
  connectWithinMs: duration(1),
});

export const rotationShape = exactly<CertificateRotationInput>({
  ...ENDPOINT,
  by: name(),
  // A check makes it of what it found: names and dates of certificates.
  reason: nullable(anyText),
  rotateEndpoint: yesOrNo,
  reimportInstance: yesOrNo,
  connectWithinMs: duration(1),
});
