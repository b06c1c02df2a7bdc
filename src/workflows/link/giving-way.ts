/** A planned failover that ends where it is, since a forced one was asked for: whatever it waits for may be gone. */
import { CancellationScope, condition } from '@temporalio/workflow';

/** What is asked to stop is waited for this long; a statement that hangs on a dead host is left to itself then. */
const STOPS_WITHIN_MS = 20_000;

export class GaveWay extends Error {
  override readonly name = 'GaveWay';
  constructor(by: string) {
    super(`gave way to the forced failover that ${by} asked for`);
  }
}

export class GivingWay {
  private asked: GaveWay | undefined;

  /** @param by who asked for the forced failover */
  ask(by: string): void {
    this.asked ??= new GaveWay(by);
  }

  get reason(): string | null {
    return this.asked?.message ?? null;
  }

  /**
   * Does something until it is done, or way is given. Also inside of what cannot be cancelled otherwise.
   * @throws GaveWay
   */
  async until<T>(work: () => Promise<T>): Promise<T> {
    if (this.asked !== undefined) throw this.asked;
    const scope = new CancellationScope();
    let isOver = false;
    const working = scope.run(work).finally(() => {
      isOver = true;
    });
    working.catch(() => undefined);
    // A cancellation of the workflow ends the work itself, and that is waited for.
    await CancellationScope.nonCancellable(() => condition(() => this.asked !== undefined || isOver));
    if (!isOver) {
      scope.cancel();
      await CancellationScope.nonCancellable(() => condition(() => isOver, STOPS_WITHIN_MS));
    }
    if (this.asked === undefined) return working;
    return this.endOf(working, this.asked, isOver);
  }

  /** As `until`. @returns false when way was given first */
  async orLeave(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await this.until(work);
      return true;
    } catch (error) {
      if (error instanceof GaveWay) return false;
      throw error;
    }
  }

  /** What came to its end nevertheless, counts. */
  private async endOf<T>(working: Promise<T>, asked: GaveWay, isOver: boolean): Promise<T> {
    if (!isOver) throw asked;
    return working.catch(() => {
      throw asked;
    });
  }
}
