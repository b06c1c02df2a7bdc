/**
 * The list of scripted faults. Whoever serves a request asks `match...` once, before it acts, and does what the
 * answer says; the registry counts.
 */
import { z } from 'zod';
import {
  type ArmFaultAction,
  type FaultRule,
  type FaultRuleInput,
  faultRuleSchema,
  type LoginFaultAction,
  type SqlFaultAction,
  type WorldFaultRule,
} from './rules';

export interface SqlFaultContext {
  readonly instance: string;
  readonly login: string;
  readonly statement: string;
}

export interface LoginFaultContext {
  readonly instance: string;
  readonly login: string;
}

export interface ArmFaultContext {
  readonly method: string;
  readonly path: string;
}

export interface ListedFault {
  readonly id: string;
  readonly rule: FaultRule;
  /** Requests that fitted the pattern, and those of them that were struck. */
  readonly matched: number;
  readonly struck: number;
  readonly spent: boolean;
}

/** A rule that does not validate; the message names the path of each bad field. */
export class FaultRuleError extends Error {
  override readonly name = 'FaultRuleError';
}

interface Entry {
  readonly id: string;
  readonly rule: FaultRule;
  matched: number;
  struck: number;
}

export class FaultRegistry {
  private readonly entries = new Map<string, Entry>();
  private readonly listeners: ((id: string, rule: WorldFaultRule) => void)[] = [];
  private sequence = 0;

  /** @param random values in [0, 1), from the world's seed */
  constructor(private readonly random: () => number) {}

  /**
   * Adds a rule and returns its id.
   * @throws FaultRuleError when it does not validate
   */
  add(rule: FaultRuleInput): string {
    const parsed = parseFaultRule(rule);
    this.sequence += 1;
    const id = `fault-${this.sequence}`;
    if (parsed.surface === 'world') for (const listener of this.listeners) listener(id, parsed);
    this.entries.set(id, { id, rule: parsed, matched: 0, struck: 0 });
    return id;
  }

  /** @returns false when there is no such rule */
  remove(id: string): boolean {
    return this.entries.delete(id);
  }

  clear(): void {
    this.entries.clear();
  }

  list(): readonly ListedFault[] {
    return [...this.entries.values()].map((entry) => ({ ...entry, spent: isSpent(entry) }));
  }

  /** Rules as plain data, for files. */
  toJSON(): readonly FaultRule[] {
    return [...this.entries.values()].map((entry) => entry.rule);
  }

  /** What to do to this statement; undefined = nothing. The first rule that strikes wins. */
  matchSql(context: SqlFaultContext): SqlFaultAction | undefined {
    for (const entry of this.entries.values()) {
      const { rule } = entry;
      if (rule.surface !== 'sql') continue;
      if (!sameName(rule.instance, context.instance) || !sameName(rule.login, context.login)) continue;
      if (!fits(rule.statement, context.statement)) continue;
      if (this.strikes(entry)) return rule.action;
    }
    return undefined;
  }

  matchLogin(context: LoginFaultContext): LoginFaultAction | undefined {
    for (const entry of this.entries.values()) {
      const { rule } = entry;
      if (rule.surface !== 'login') continue;
      if (!sameName(rule.instance, context.instance) || !sameName(rule.login, context.login)) continue;
      if (this.strikes(entry)) return rule.action;
    }
    return undefined;
  }

  matchArm(context: ArmFaultContext): ArmFaultAction | undefined {
    for (const entry of this.entries.values()) {
      const { rule } = entry;
      if (rule.surface !== 'arm') continue;
      if (rule.method !== undefined && rule.method !== context.method.toUpperCase()) continue;
      if (!fits(rule.path, context.path)) continue;
      if (this.strikes(entry)) return rule.action;
    }
    return undefined;
  }

  /** World rules bound to the start of a platform operation. */
  matchOperation(kind: string): readonly WorldFaultRule[] {
    const struck: WorldFaultRule[] = [];
    for (const entry of this.entries.values()) {
      const { rule } = entry;
      if (rule.surface !== 'world' || rule.onOperation !== kind) continue;
      if (this.strikes(entry)) struck.push(rule);
    }
    return struck;
  }

  /** Asks whether a timed world rule strikes now (it may have been removed or spent). */
  strikeTimed(id: string): boolean {
    const entry = this.entries.get(id);
    return entry !== undefined && this.strikes(entry);
  }

  /** Called for every world rule before it is added; what it throws refuses the rule. */
  onWorldRule(listener: (id: string, rule: WorldFaultRule) => void): void {
    this.listeners.push(listener);
  }

  private strikes(entry: Entry): boolean {
    if (isSpent(entry)) return false;
    entry.matched += 1;
    if (entry.matched <= (entry.rule.skip ?? 0)) return false;
    if (entry.rule.probability !== undefined && this.random() >= entry.rule.probability) return false;
    entry.struck += 1;
    return true;
  }
}

/** @throws FaultRuleError naming each bad field */
export function parseFaultRule(input: unknown): FaultRule {
  const result = faultRuleSchema.safeParse(input);
  if (result.success) return result.data;
  throw new FaultRuleError(describeIssues(result.error));
}

/** One line per problem: `action.number: expected number`. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .map((issue) => `${issue.path.length === 0 ? '(whole)' : z.core.toDotPath(issue.path)}: ${issue.message}`)
    .join('; ');
}

const isSpent = (entry: Entry): boolean => entry.rule.count !== undefined && entry.struck >= entry.rule.count;

const sameName = (wanted: string | undefined, actual: string): boolean =>
  wanted === undefined || wanted.toLowerCase() === actual.toLowerCase();

const fits = (pattern: string | undefined, text: string): boolean =>
  pattern === undefined || new RegExp(pattern, 'i').test(text);
