/** What was under way when something went wrong, and when somebody asked for something: holes show as what is missing. */
import type { Fault } from './faults';
import type { Stage } from './stage';

export class Coverage {
  readonly counts = new Map<string, number>();
  private faultsSeen = 0;

  constructor(
    private readonly stage: Stage,
    private readonly onFault: (fault: Fault) => void,
  ) {}

  afterEvent(): void {
    const { happened } = this.stage.faults;
    for (; this.faultsSeen < happened.length; this.faultsSeen += 1) {
      const fault = happened[this.faultsSeen];
      if (fault === undefined) continue;
      this.stage.timeline.note(`FAULT ${fault.kind} ${fault.ms} ms, ${fault.place} #${fault.occasion}`);
      this.onFault(fault);
      for (const what of this.underWay()) this.count(`${what} × ${fault.kind}`);
    }
  }

  private underWay(): readonly string[] {
    const open = this.stage.service.open.map(({ what }) => what);
    return open.length === 0 ? ['between activities'] : open;
  }

  private count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}
