/**
 * Objects outside of the database: what is known of them on one side, and how the sides compare. Plain data without
 * secrets: a password hash is read and used within one activity and is part of none of these.
 */
import type { SiteId } from '../run/site';

export type ConnectRight = 'granted' | 'denied' | 'revoked';

/** A permission of class SERVER, CONNECT SQL aside. */
export interface ServerPermission {
  readonly name: string;
  readonly state: 'GRANT' | 'GRANT_WITH_GRANT_OPTION' | 'DENY';
  /** Who gave it beside `sa`, or instead: only in their name it is taken back. Not compared, and absent where nobody else did. */
  readonly grantors?: readonly string[];
}

export type LoginKind = 'sql' | 'windows-user' | 'windows-group' | 'external' | 'other';

/** What may be changed of a login that stands there, its password aside. */
export interface LoginSettings {
  readonly isDisabled: boolean;
  readonly defaultDatabase: string;
  readonly defaultLanguage: string | null;
  readonly isPolicyChecked: boolean;
  readonly isExpirationChecked: boolean;
  readonly connect: ConnectRight;
  /** Server roles, fixed and user-defined. */
  readonly roles: readonly string[];
  readonly permissions: readonly ServerPermission[];
}

export interface Login extends LoginSettings {
  readonly name: string;
  /** Hexadecimal digits without 0x, upper case. */
  readonly sid: string;
  readonly kind: LoginKind;
}

/** A user-defined server role with what is granted to it. */
export interface ServerRole {
  readonly name: string;
  readonly permissions: readonly ServerPermission[];
  /** Server roles, fixed and user-defined, of which it is itself a member. */
  readonly roles: readonly string[];
}

/** A user of the database, with the SID by which its login is found. */
export interface DatabaseUser {
  readonly name: string;
  readonly sid: string;
}

export interface JobStep {
  readonly id: number;
  readonly name: string;
  readonly subsystem: string;
  /** May hold anything, passwords too: it never enters a history. */
  readonly command: string;
  readonly additionalParameters: string | null;
  readonly flags: number;
  readonly successCode: number;
  readonly onSuccessAction: number;
  readonly onSuccessStep: number;
  readonly onFailAction: number;
  readonly onFailStep: number;
  readonly database: string | null;
  readonly databaseUser: string | null;
  readonly retryAttempts: number;
  readonly retryInterval: number;
  readonly priority: number;
  readonly outputFile: string | null;
  readonly usesProxy: boolean;
}

export interface JobSchedule {
  /** Number on its server; not compared. */
  readonly id: number;
  readonly name: string;
  readonly isEnabled: boolean;
  readonly freqType: number;
  readonly freqInterval: number;
  readonly freqSubdayType: number;
  readonly freqSubdayInterval: number;
  readonly freqRelativeInterval: number;
  readonly freqRecurrenceFactor: number;
  readonly activeStartDate: number;
  readonly activeEndDate: number;
  readonly activeStartTime: number;
  readonly activeEndTime: number;
}

export interface Job {
  readonly name: string;
  readonly isEnabled: boolean;
  readonly description: string;
  readonly category: string;
  /** Null when nobody on that server has the SID of the owner; `sa` for SID 0x01. */
  readonly owner: string | null;
  /** SID 0x01, whatever that login is called: a login that is named `sa` may be another one. */
  readonly isOwnedBySa: boolean;
  readonly startStep: number;
  readonly notifyEventLog: number;
  readonly deleteLevel: number;
  /** E-mail, pager or net send to an operator. */
  readonly notifiesOperator: boolean;
  /** Aims at its own server; without that it cannot start (14256). */
  readonly hasTarget: boolean;
  readonly steps: readonly JobStep[];
  readonly schedules: readonly JobSchedule[];
}

/** Kinds that are shown and never copied. */
export const REPORTED_KINDS = [
  'linked-server',
  'credential',
  'operator',
  'mail-profile',
  'message',
  'server-trigger',
] as const;
export type ReportedKind = (typeof REPORTED_KINDS)[number];

export interface ReportedObject {
  readonly kind: ReportedKind;
  readonly name: string;
}

/** What one side has of what the spec asks for. Holds job commands: only for use within one activity. */
export interface SideObjects {
  readonly logins: readonly Login[];
  readonly roles: readonly ServerRole[];
  readonly databases: readonly string[];
  /** The jobs that the spec names, as far as they are there. */
  readonly jobs: readonly Job[];
  readonly jobCategories: readonly string[];
}

export type ObjectKind = 'login' | 'job' | ReportedKind;

/** How one object compares between the sides. */
export interface ObjectFinding {
  readonly kind: ObjectKind;
  readonly name: string;
  readonly state: 'same' | 'differs' | 'missing' | 'cannot-be-copied' | 'remark';
  /** What was seen, one sentence; empty when it is the same. */
  readonly detail: string;
  /** What a person can do; empty where sqlferry does it itself. */
  readonly remedy: string;
  /** Copying mends it. */
  readonly copyable: boolean;
}

/** Both sides compared. */
export interface ObjectsReport<Id extends SiteId = SiteId> {
  readonly observedAt: string;
  readonly primary: Id;
  readonly findings: readonly ObjectFinding[];
}

/** What keeps a planned failover from being any good: all but what is the same, and remarks. */
export const driftOf = (report: Pick<ObjectsReport, 'findings'>): readonly ObjectFinding[] =>
  report.findings.filter(({ state }) => state !== 'same' && state !== 'remark');

/** Short enough for a history: the same mark means that the differences are the same. */
export function driftFingerprint(report: Pick<ObjectsReport, 'findings'>): string {
  const drift = driftOf(report);
  const texts = drift.map(({ kind, name, state, detail }) => `${kind} ${name}: ${state} ${detail}`).sort();
  return `${drift.length}:${fnv1a(texts.join('\n')).toString(16)}`;
}

/** FNV-1a, 32 bits: no secret and nobody's adversary, only a change is to be seen. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash;
}
