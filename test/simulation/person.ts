/**
 * The people of a simulation: some ask for things at any moment, and one looks after the run: answers what waits for an
 * answer, resumes what stopped, and brings a link that stands for years to its end.
 */
import type { LinkStatus } from '../../src/workflows/link/status';
import type { Answer } from '../../src/workflows/run/answers';
import type { Chance } from './chance';
import type { Fault, FaultOffer } from './faults';
import type { Stage } from './stage';
import { newParty } from './virtual-time';

const MESSAGES: readonly FaultOffer[] = [
  { kind: 'pause', weight: 15, ms: [1, 1] },
  { kind: 'resume', weight: 10, ms: [1, 1] },
  { kind: 'abort', weight: 5, ms: [1, 1] },
  { kind: 'approve', weight: 10, ms: [1, 1] },
  { kind: 'postpone', weight: 5, ms: [1_000, 600_000] },
];
const STANDING_MESSAGES: readonly FaultOffer[] = [
  { kind: 'pause', weight: 10, ms: [1, 1] },
  { kind: 'resume', weight: 10, ms: [1, 1] },
  { kind: 'abort', weight: 3, ms: [1, 1] },
  { kind: 'failover', weight: 60, ms: [1, 1] },
  { kind: 'forced', weight: 25, ms: [1, 3_600_000] },
  { kind: 'drill', weight: 20, ms: [1_000, 600_000] },
  { kind: 'repair', weight: 10, ms: [1, 1] },
];

export interface SentMessage {
  readonly at: number;
  readonly name: string;
  readonly by: 'anybody' | 'operator';
  readonly phase: string;
  answer?: string;
}

export const RUN = 'sqlferry-sales';

export class Person {
  readonly party = newParty('person');
  readonly sent: SentMessage[] = [];
  /** As it was when it was last seen. */
  status: LinkStatus | undefined;
  /** The newest status in which the link stood. */
  lastStanding: LinkStatus | undefined;
  private isCalm = false;
  private removeFrom = Number.POSITIVE_INFINITY;

  constructor(
    private readonly stage: Stage,
    private readonly chance: Chance,
    private readonly stands: boolean,
    private readonly onForced: () => void,
  ) {}

  start(): void {
    this.ask();
    this.look();
  }

  /** Nobody asks for anything strange any more. @param removeAfterMs a link that stands is removed then */
  calm(removeAfterMs: number): void {
    this.isCalm = true;
    this.removeFrom = this.stage.time.now + removeAfterMs;
  }

  private ask(): void {
    this.stage.time.schedule(this.party, this.chance.duration(1_000, 240_000), () => {
      if (this.isCalm) return;
      const fault = this.stage.faults.at('person', this.stands ? STANDING_MESSAGES : MESSAGES);
      if (fault !== undefined) this.send(fault);
      this.ask();
    });
  }

  private send(fault: Fault): void {
    const [name, request] = this.messageOf(fault);
    this.update(name, { by: 'anybody', ...request }, 'anybody');
  }

  /** @returns name of the update, and what its request says beside who asks */
  private messageOf({ kind, occasion, ms }: Fault): readonly [string, object] {
    const to = occasion % 2 === 0 ? 'server' : 'instance';
    const acceptLossSeconds = Math.ceil(ms / 1_000);
    switch (kind) {
      case 'failover':
        return ['failover', { type: 'planned', to }];
      case 'forced':
        return [
          'failover',
          { type: 'forced', to, reason: 'drawn', acceptLossSeconds, acknowledgedBy: 'other' },
        ];
      case 'drill':
        return ['drill', { holdMs: ms }];
      case 'repair':
        return ['repair', { survivor: to }];
      case 'postpone':
        return ['postpone', { until: new Date(this.stage.time.now + ms).toISOString() }];
      default:
        return [kind, {}];
    }
  }

  private update(name: string, request: object, by: SentMessage['by']): void {
    const phase = this.status?.phase ?? 'unknown';
    const { application, timeline } = this.stage;
    // What is written once the link is taken down belongs to no failover.
    if (name === 'remove') application.stop();
    timeline.note(`${by} asks: ${name} ${JSON.stringify(request)}`);
    const sent: SentMessage = { at: this.stage.time.now, name, by, phase };
    this.sent.push(sent);
    this.stage.service.update(RUN, name, [request]).then(
      (answer) => {
        const { accepted, rule } = answer as Answer;
        if (accepted && 'type' in request && request.type === 'forced') this.onForced();
        sent.answer = `${accepted ? 'accepted' : 'refused'} ${rule}`;
        timeline.note(`${name} of ${by}: ${JSON.stringify(answer)}`);
      },
      (error: unknown) => {
        sent.answer = error instanceof Error ? error.message : String(error);
      },
    );
  }

  private look(): void {
    const { time, service } = this.stage;
    time.schedule(this.party, this.chance.duration(20_000, 120_000), () => {
      if (service.execution(RUN)?.ending !== undefined) {
        const { ending } = service.execution(RUN) ?? {};
        if (ending?.kind !== 'continued-as-new') return;
      }
      service.query(RUN, 'status').then(
        (status) => {
          this.status = status as LinkStatus;
          if (this.status.protection !== null) this.lastStanding = this.status;
          this.attend(this.status);
          this.look();
        },
        () => this.look(),
      );
    });
  }

  /** What a person does who reads the status and follows its advice. */
  private attend(status: LinkStatus): void {
    const advice = this.adviceOf(status);
    if (advice !== undefined) this.update(advice.name, { by: 'operator', ...advice.request }, 'operator');
  }

  private adviceOf({ paused, blockedBy, protection }: LinkStatus) {
    if (paused || blockedBy !== null) return { name: 'resume', request: {} };
    if (!this.isCalm || protection === null) return undefined;
    if (protection.splitBrain) return { name: 'repair', request: { survivor: protection.primary } };
    if (this.stage.time.now >= this.removeFrom) return { name: 'remove', request: {} };
    return undefined;
  }
}
