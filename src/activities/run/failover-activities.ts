/** What surrounds a failover: hooks, and a look at the new primary. */

import type { LinkSite } from '../../model/link/procedure';
import { bySite, otherSite } from '../../model/link/side';
import type { ResolvedLink } from '../../model/link/spec';
import type {
  AfterFailoverFacts,
  DatabaseProperties,
  FailoverCheck,
  GroupMode,
} from '../../model/run/failover-facts';
import type { HookMessage, HookParty, HookRecord } from '../../model/run/hook-message';
import { hooksOf } from '../../model/run/hook-phases';
import type { HooksPort } from '../../ports/hooks';
import type { SecretsPort } from '../../ports/secrets';
import { sameName } from '../../rules/names';
import { judgeHook, pauseBeforeNextCall } from '../../rules/run/hook-answer';
import { afterFailoverChecks, type Repairs } from '../../rules/sql-server/after-failover';
import {
  changeDatabaseOwner,
  enableServiceBroker,
  mapUserToLogin,
  setCompatibilityLevel,
} from '../../tsql/after-failover';
import { setDistributedAvailabilityMode } from '../../tsql/link/availability-groups';
import { readDatabaseProperties } from '../../tsql/queries/after-failover';
import { groupAvailabilityGroups, readAvailabilityGroups } from '../../tsql/queries/availability-groups';
import { type LinkActivityDependencies, linkCalls } from '../link/call';
import { atSites, type LinkContext, readOn } from '../link/context';
import { findOrphans } from '../sql-server/steps/orphans';
import { type ActivityReporter, asActivity } from './activity-boundary';
import type { AfterFailoverInput, AroundFailoverActivities, HookInput } from './failover-api';
import { NeedsPerson } from './failures';

export interface AroundFailoverDependencies extends LinkActivityDependencies {
  readonly hooks: HooksPort;
}

export function createAroundFailoverActivities(
  dependencies: AroundFailoverDependencies,
): AroundFailoverActivities {
  const call = linkCalls(dependencies);
  return {
    // Without the ports of the link: a hook is to be called also while a side does not answer.
    runHook: (input) =>
      asActivity(async (reporter) =>
        callUntilAnswered(dependencies, await dependencies.secrets(input.spec), reporter, input),
      ),

    readDatabaseProperties: ({ spec, on }) => call(spec, ({ context }) => propertiesOf(context, on)),

    checkAfterFailover: (input) => call(input.spec, ({ context }) => look(context, input)),
  };
}

async function callUntilAnswered(
  { hooks, clock }: AroundFailoverDependencies,
  secrets: SecretsPort,
  reporter: ActivityReporter,
  { spec, address, occasion }: HookInput,
): Promise<HookRecord> {
  const { phase, index } = address;
  const hook = hooksOf(spec.settings, phase)[index];
  if (hook === undefined) {
    const remedy = 'report it: the run asks for a hook that its spec does not hold';
    throw new NeedsPerson('HookMissing', `the spec has no hook ${index} of ${phase}`, remedy);
  }
  const began = clock.now();
  const message = messageOf(spec, hook.name, { spec, address, occasion });
  const { signal } = reporter;
  for (let tries = 1; ; tries += 1) {
    const timeoutMs = Math.max(1, hook.timeout - (clock.now() - began));
    const verdict = judgeHook(await hooks.call(hook, message, { secrets, timeoutMs, signal }));
    const pause = pauseBeforeNextCall(tries);
    const isOver = clock.now() - began + pause >= hook.timeout;
    if (verdict.kind !== 'again' || isOver) {
      return {
        at: new Date(began).toISOString(),
        phase,
        hook: hook.name,
        outcome: verdict.kind === 'again' ? 'failed' : verdict.kind,
        reason: verdict.reason,
        tries,
        durationMs: clock.now() - began,
      };
    }
    reporter.report({
      version: 1,
      activity: 'hook',
      waitingFor: `hook ${hook.name}: ${verdict.reason}; it is called again`,
      observedAt: new Date(clock.now()).toISOString(),
    });
    await clock.sleep(pause, signal);
  }
}

function messageOf(spec: ResolvedLink, hook: string, { address, occasion }: HookInput): HookMessage {
  const { to, ...known } = occasion;
  const { settings } = spec;
  return {
    version: 1,
    source: 'sqlferry',
    run: settings.name,
    database: settings.database,
    hook,
    phase: address.phase,
    from: party(spec, otherSite(to)),
    to: party(spec, to),
    ...known,
  };
}

function party({ settings, server, instance }: ResolvedLink, side: LinkSite): HookParty {
  return bySite(side, {
    server: { side, name: settings.server, host: server.host, port: server.port },
    instance: { side, name: settings.instance, host: instance.host ?? null, port: instance.port },
  });
}

async function propertiesOf(context: LinkContext, on: LinkSite): Promise<DatabaseProperties> {
  const [row] = await readOn(context, on, readDatabaseProperties(context.spec.settings.database));
  const absent = {
    stateDesc: null,
    updateability: null,
    compatibilityLevel: null,
    owner: null,
    ownerSid: null,
    isBrokerEnabled: null,
    isAcceleratedDatabaseRecoveryOn: null,
  };
  return { ...(row ?? absent), on, observedAt: new Date(context.clock.now()).toISOString() };
}

async function look(context: LinkContext, input: AfterFailoverInput): Promise<readonly FailoverCheck[]> {
  const { primary, before, firstWriteAt, linkStands } = input;
  const [now, orphans, modes] = await Promise.all([
    propertiesOf(context, primary),
    findOrphans(atSites(context), primary),
    linkStands ? modesOf(context) : null,
  ]);
  const facts: AfterFailoverFacts = { now, before, orphans, modes, firstWriteAt };
  return afterFailoverChecks(facts, repairsFor(context.spec));
}

/** Each side holds the group of its own; one that does not answer says nothing about itself. */
async function modesOf(context: LinkContext): Promise<readonly GroupMode[]> {
  const sides = await Promise.all(
    (['server', 'instance'] as const).map(async (on): Promise<readonly GroupMode[]> => {
      const rows = await readOn(context, on, readAvailabilityGroups()).catch(() => []);
      const group = groupAvailabilityGroups(rows).find(({ name }) => sameName(name, context.spec.names.link));
      return (group?.replicas ?? []).map(({ name, availabilityModeDesc }) => ({
        on,
        member: name,
        mode: availabilityModeDesc,
      }));
    }),
  );
  return sides.flat();
}

function repairsFor({ settings, names }: ResolvedLink): Repairs {
  const { database } = settings;
  return {
    user: ({ user, login }) => mapUserToLogin({ database, user, login }).display,
    compatibilityLevel: (level) => setCompatibilityLevel(database, level).display,
    owner: (login) => changeDatabaseOwner(database, login).display,
    broker: enableServiceBroker(database).display,
    asynchronous: (groups) =>
      setDistributedAvailabilityMode({ name: names.link, groups, mode: 'ASYNCHRONOUS_COMMIT' }).display,
  };
}
