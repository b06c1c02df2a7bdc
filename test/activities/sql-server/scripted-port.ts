import type { Query } from '../../../src/model/statement';
import type { SqlServerPort } from '../../../src/ports/sql-server';

export type DriverRow = Readonly<Record<string, unknown>>;

/** A server that answers each query by its id with driver rows; an unknown query fails the test. */
export class ScriptedPort implements SqlServerPort {
  readonly asked: string[] = [];

  constructor(
    readonly name: string,
    private readonly answers: Readonly<Record<string, readonly DriverRow[]>>,
  ) {}

  async query<Row>(query: Query<Row>): Promise<readonly Row[]> {
    this.asked.push(query.id);
    const rows = this.answers[query.id];
    if (rows === undefined) throw new Error(`${this.name} was asked for ${query.id}`);
    return rows.map((row) => query.decode(row));
  }

  async execute(): Promise<void> {
    throw new Error('observing changes nothing');
  }
}
