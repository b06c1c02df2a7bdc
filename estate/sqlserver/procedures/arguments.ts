/** Arguments of a procedure call, bound to its declared parameters. */
import type { ProcedureCall } from '../../sql/host';
import type { SqlValue } from '../../sql/types';
import { serverError } from '../messages/raise';
import { asNumber, asText } from '../values';

export class Arguments {
  private readonly values = new Map<string, SqlValue>();
  private readonly names = new Map<string, string>();

  /**
   * @param parameters names without @, in order; a name that ends with ! must be given
   * @throws 201 (missing), 8144 (too many), 8145 (unknown name)
   */
  constructor(
    private readonly call: ProcedureCall,
    parameters: readonly string[],
  ) {
    const procedure = call.name.object;
    const declared = parameters.map((entry) => entry.replace('!', '').toLowerCase());
    call.arguments.forEach((argument, index) => {
      const key = argument.named ? argument.name.replace(/^@/, '').toLowerCase() : declared[index];
      if (key === undefined) throw serverError(8144, [procedure]);
      if (!declared.includes(key)) throw serverError(8145, [`@${key}`, procedure]);
      this.values.set(key, argument.value);
      this.names.set(key, argument.name);
    });
    for (const entry of parameters) {
      const key = entry.replace('!', '').toLowerCase();
      if (entry.endsWith('!') && !this.values.has(key)) throw serverError(201, [procedure, `@${key}`]);
    }
  }

  text(name: string): string | null {
    return asText(this.values.get(name.toLowerCase()));
  }

  number(name: string): number | null {
    return asNumber(this.values.get(name.toLowerCase()));
  }

  value(name: string): SqlValue {
    return this.values.get(name.toLowerCase()) ?? null;
  }

  has(name: string): boolean {
    return this.values.has(name.toLowerCase());
  }

  /** Sets an OUTPUT argument when the caller gave one. */
  output(name: string, value: Parameters<ProcedureCall['setOutput']>[1]): void {
    const given = this.names.get(name.toLowerCase());
    if (given !== undefined) this.call.setOutput(given === '' ? name : given, value);
  }
}
