/**
 * The simulated estate behind one model. The SQL side and the Resource Manager side call its parts; tests and the
 * control API also reach for its faults and its clock.
 */
import type { FaultRegistry } from '../faults/registry';
import type {
  Backups,
  Certificates,
  Clock,
  Databases,
  EffectJournal,
  Endpoints,
  Groups,
  Instances,
  Links,
  Logins,
  Network,
  Random,
  Timeline,
} from './api';
import { assemble } from './assemble';
import { type EstateDefinition, parseDefinition } from './definition';
import type { Effect, PlatformOperation } from './model';

export interface EstateParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: EffectJournal;
  readonly timeline: Timeline;
  readonly faults: FaultRegistry;
  readonly network: Network;
  readonly instances: Instances;
  readonly logins: Logins;
  readonly certificates: Certificates;
  readonly endpoints: Endpoints;
  readonly databases: Databases;
  readonly backups: Backups;
  readonly groups: Groups;
  readonly links: Links;
}

export class EstateWorld implements EstateParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: EffectJournal;
  readonly timeline: Timeline;
  readonly faults: FaultRegistry;
  readonly network: Network;
  readonly instances: Instances;
  readonly logins: Logins;
  readonly certificates: Certificates;
  readonly endpoints: Endpoints;
  readonly databases: Databases;
  readonly backups: Backups;
  readonly groups: Groups;
  readonly links: Links;

  private constructor(
    readonly definition: EstateDefinition,
    parts: EstateParts,
  ) {
    this.clock = parts.clock;
    this.random = parts.random;
    this.journal = parts.journal;
    this.timeline = parts.timeline;
    this.faults = parts.faults;
    this.network = parts.network;
    this.instances = parts.instances;
    this.logins = parts.logins;
    this.certificates = parts.certificates;
    this.endpoints = parts.endpoints;
    this.databases = parts.databases;
    this.backups = parts.backups;
    this.groups = parts.groups;
    this.links = parts.links;
  }

  /**
   * Makes a world from a scenario.
   * @param definition plain object (from JSON or YAML); anything left out has a default
   * @param clock in place of one that follows the machine's time or is moved by hand, as the definition says
   * @throws DefinitionError naming the path of every bad field
   */
  static create(definition: unknown = {}, clock?: Clock): EstateWorld {
    const parsed = parseDefinition(definition);
    return new EstateWorld(parsed, assemble(parsed, clock));
  }

  /** Platform operations with start and end in simulated and real milliseconds. */
  platformTimeline(): readonly PlatformOperation[] {
    return this.timeline.all();
  }

  /** Statements and requests that wanted to change something, with what came of them. */
  effects(): readonly Effect[] {
    return this.journal.all();
  }

  /** Ends the clock and every session. */
  stop(): void {
    for (const instance of this.instances.all()) {
      for (const session of instance.sessions.values()) session.terminate();
    }
    this.clock.stop();
  }
}
