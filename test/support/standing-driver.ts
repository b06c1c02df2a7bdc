/** A DR link, in virtual time, until it stands: where tests of its workflow begin. */

import type { LinkStandingStatus, LinkStatus } from '../../src/workflows/link/status';
import type { RunInput } from '../../src/workflows/run/state';
import { FakeLink, type FakeLinkOptions } from './fake-link';
import { linkSpecWith } from './link-spec';
import { answer, type DriverOptions, type FakeActivity, hang, WorkflowDriver } from './workflow-driver';

export const HOUR = 3_600_000;

export const STANDING_SPEC = linkSpecWith(
  'purpose: disaster-recovery\ncutover: { fence: { disableLogins: [app] } }\n',
);

/** Logins and jobs that are the same on both sides, for specs that ask for them. */
const sameObjectsUnless = (
  override: FakeLinkOptions['override'],
): Readonly<Record<string, FakeActivity>> => ({
  compareInstanceObjects: (call) => override?.(call) ?? answer(sameObjects(call.input)),
  watchInstanceObjects: (call) =>
    override?.(call) ??
    ((call.input as { waitsFirst: boolean }).waitsFirst ? hang : answer(sameObjects(call.input))),
});

const sameObjects = (input: unknown) => ({
  observedAt: '2026-11-01T00:00:00.000Z',
  primary: (input as { primary: string }).primary,
  findings: [],
});

export class StandingLink {
  private constructor(
    readonly link: FakeLink,
    readonly driver: WorkflowDriver,
  ) {}

  /** Two hours after its run began; the link stands, and SQL Server leads. */
  static async begin(
    options: FakeLinkOptions = {},
    input: Partial<RunInput> = {},
    driverOptions: DriverOptions = {},
  ): Promise<StandingLink> {
    const begun = await StandingLink.start(options, input, driverOptions);
    await begun.driver.run(() => false, 2 * HOUR);
    begun.link.effects.length = 0;
    return begun;
  }

  static async start(
    options: FakeLinkOptions = {},
    input: Partial<RunInput> = {},
    driverOptions: DriverOptions = {},
  ): Promise<StandingLink> {
    const link = new FakeLink(options);
    const driver = await WorkflowDriver.start(
      'disasterRecoveryLink',
      { spec: STANDING_SPEC, visibility: false, ...input },
      { ...sameObjectsUnless(options.override), ...link.activities },
      driverOptions,
    );
    return new StandingLink(link, driver);
  }

  status(): Promise<LinkStatus> {
    return this.driver.query<LinkStatus>('status');
  }

  /** @throws Error while the link does not stand */
  async protection(): Promise<LinkStandingStatus> {
    const { protection } = await this.status();
    if (protection === null) throw new Error('the link does not stand');
    return protection;
  }

  async goOn(ms = 60_000): Promise<void> {
    await this.driver.run(() => false, this.driver.elapsed + ms);
  }

  /** Looks whether the workflow is deterministic, and ends. */
  async end(): Promise<void> {
    await this.driver.replay();
    await this.driver.dispose();
  }
}
