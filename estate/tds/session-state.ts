/** What the protocol remembers of a logged-in connection. */
import type { TdsSession } from './backend';
import type { ByteWriter } from './bytes';
import type { TdsDialect } from './dialect';
import { PreparedStatements } from './prepared-statements';
import { EnvChange, writeEnvBytes, writeEnvText, writeMessage } from './tokens';

const EMPTY = Buffer.alloc(0);

export class SessionState {
  readonly prepared = new PreparedStatements();
  private descriptor: Buffer | undefined;
  private transactions = 0;
  private announcedDatabase: string;

  constructor(
    readonly session: TdsSession,
    readonly spid: number,
    readonly dialect: TdsDialect,
    readonly packetSize: number,
    readonly serverName: string,
  ) {
    this.announcedDatabase = session.database;
  }

  get inTransaction(): boolean {
    return this.session.transactionDepth > 0;
  }

  /** Tells the client of a transaction that began or ended; its descriptor names it in ALL_HEADERS. */
  writeTransaction(writer: ByteWriter, change: 'begin' | 'commit' | 'rollback'): void {
    if (change === 'begin') {
      this.descriptor = this.newDescriptor();
      writeEnvBytes(writer, EnvChange.beginTransaction, this.descriptor);
      return;
    }
    const type = change === 'commit' ? EnvChange.commitTransaction : EnvChange.rollbackTransaction;
    writeEnvBytes(writer, type, EMPTY, this.descriptor ?? Buffer.alloc(8));
    this.descriptor = undefined;
  }

  /** ENVCHANGE and message 5701. */
  writeDatabase(writer: ByteWriter, database: string): void {
    writeEnvText(writer, EnvChange.database, database, this.announcedDatabase);
    const message = `Changed database context to '${database}'.`;
    writeMessage(writer, { number: 5701, severity: 0, state: 1, message }, this.serverName, this.dialect);
    this.announcedDatabase = database;
  }

  /** Back to the state after the login, acknowledged by ENVCHANGE 18. */
  async reset(writer: ByteWriter, keepTransaction: boolean): Promise<void> {
    await this.session.reset(keepTransaction);
    this.prepared.clear();
    this.announcedDatabase = this.session.database;
    if (!this.inTransaction) this.descriptor = undefined;
    writeEnvBytes(writer, EnvChange.resetConnection, EMPTY);
  }

  private newDescriptor(): Buffer {
    this.transactions++;
    const descriptor = Buffer.alloc(8);
    descriptor.writeUInt32LE(this.transactions, 0);
    descriptor.writeUInt32LE(this.spid, 4);
    return descriptor;
  }
}
