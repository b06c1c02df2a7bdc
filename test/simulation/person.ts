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
  private isCalm = false;
  private removeFrom = Number.POSITIVE_INFINITY;

  constructor(
    private readonly stage: Stage,
    private readonly chance: Chance,
    private readonly stands: boolean,
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
    const by = { by: 'anybody' };
    const to = fault.occasion % 2 === 0 ? 'server' : 'instance';
    switch (fault.kind) {
      case 'failover':
        return this.update('failover', { ...by, type: 'planned', to }, 'anybody');
      case 'forced':
        return this.update(
          'failover',
          {
            ...by,
            type: 'forced',
            to,
            reason: 'drawn',
            acceptLossSeconds: Math.ceil(fault.ms / 1_000),
            acknowledgedBy: 'other',
          },
          'anybody',
        );
      case 'drill':
        return this.update('drill', { ...by, holdMs: fault.ms }, 'anybody');
      case 'repair':
        return this.update('repair', { ...by, survivor: to }, 'anybody');
      case 'postpone': {
        const until = new Date(this.stage.time.now + fault.ms).toISOString();
        return this.update('postpone', { ...by, until }, 'anybody');
      }
      default:
        return this.update(fault.kind, by, 'anybody');
    }
  }

  private update(name: string, request: object, by: SentMessage['by']): void {
    const phase = this.status?.phase ?? 'unknown';
    const sent: SentMessage = { at: this.stage.time.now, name, by, phase };
    this.sent.push(sent);
    this.stage.service.update(RUN, name, [request]).then(
      (answer) => {
        const { accepted, rule } = answer as Answer;
        sent.answer = `${accepted ? 'accepted' : 'refused'} ${rule}`;
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
          this.attend(this.status);
          this.look();
        },
        () => this.look(),
      );
    });
  }

  /** What a person does who reads the status and follows its advice. */
  private attend(status: LinkStatus): void {
    const by = { by: 'operator' };
    const { protection } = status;
    if (status.paused || status.blockedBy !== null) return this.update('resume', by, 'operator');
    if (!this.isCalm) return;
    if (protection?.splitBrain) {
      return this.update('repair', { ...by, survivor: protection.primary }, 'operator');
    }
    if (protection !== null && this.stage.time.now >= this.removeFrom) {
      return this.update('remove', by, 'operator');
    }
  }
}
