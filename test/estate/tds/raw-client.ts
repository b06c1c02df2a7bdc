/** A client that sends bytes, for what no driver would send, and for what must be compared byte by byte. */
import { connect, type Socket } from 'node:net';
import { frameMessage, PacketAssembler, PacketType, type TdsMessageFrame } from '../../../estate/tds/packets';
import { PASSWORD, USER } from './scripted-backend';

export class RawClient {
  private readonly assembler = new PacketAssembler(64 * 1024 * 1024);
  private readonly messages: TdsMessageFrame[] = [];
  private readonly waiting: (() => void)[] = [];
  closed = false;

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.messages.push(...this.assembler.push(chunk));
      this.wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.wake();
    });
  }

  static open(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawClient(socket));
      });
    });
  }

  private wake(): void {
    for (const resume of this.waiting.splice(0)) resume();
  }

  send(type: number, data: Buffer, status = 0): void {
    const framed = frameMessage(type, data);
    framed[1] = (framed[1] ?? 0) | status;
    this.socket.write(framed);
  }

  /** Next message of the server; undefined when it closed the connection instead. */
  async receive(): Promise<Buffer | undefined> {
    for (;;) {
      const message = this.messages.shift();
      if (message !== undefined) return message.data;
      if (this.closed) return undefined;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  async untilClosed(): Promise<void> {
    while (!this.closed) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  async login(options: LoginOptions = {}): Promise<Buffer | undefined> {
    this.send(PacketType.prelogin, PRELOGIN_WITHOUT_ENCRYPTION);
    await this.receive();
    this.send(PacketType.login7, login7(options));
    return this.receive();
  }

  async batch(sql: string): Promise<Buffer | undefined> {
    this.send(PacketType.sqlBatch, Buffer.concat([ALL_HEADERS, Buffer.from(sql, 'utf16le')]));
    return this.receive();
  }
}

/** ENCRYPTION = NOT_SUP and nothing else. */
export const PRELOGIN_WITHOUT_ENCRYPTION = Buffer.from('0100060001ff02', 'hex');

/** One header: transaction descriptor 0, one outstanding request. */
export const ALL_HEADERS = Buffer.from('16000000120000000200000000000000000001000000', 'hex');

export interface LoginOptions {
  readonly version?: number;
  readonly packetSize?: number;
  readonly integrated?: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  /** One feature extension: id, length and data. */
  readonly feature?: Buffer;
}

/** LOGIN7 as a driver sends it. */
export function login7(options: LoginOptions = {}): Buffer {
  const {
    version = 0x74000004,
    packetSize = 4096,
    integrated = false,
    user = USER,
    password = PASSWORD,
  } = options;
  const fixed = Buffer.alloc(94);
  fixed.writeUInt32LE(version, 4);
  fixed.writeUInt32LE(packetSize, 8);
  fixed[25] = integrated ? 0x80 : 0;
  const fields: Buffer[] = [];
  let offset = fixed.length;
  const put = (position: number, text: string, change = (data: Buffer): Buffer => data): void => {
    const data = change(Buffer.from(text, 'utf16le'));
    fixed.writeUInt16LE(offset, position);
    fixed.writeUInt16LE(text.length, position + 2);
    fields.push(data);
    offset += data.length;
  };
  put(36, 'host');
  put(40, user);
  put(44, password, scramble);
  put(48, 'raw');
  put(52, 'server');
  put(56, '');
  put(60, 'library');
  put(64, '');
  put(68, options.database ?? 'master');
  if (options.feature !== undefined) {
    fixed[27] = 0x10;
    fixed.writeUInt16LE(offset, 56);
    fixed.writeUInt16LE(4, 58);
    const pointer = Buffer.alloc(4);
    pointer.writeUInt32LE(offset + pointer.length);
    fields.push(pointer, options.feature, Buffer.from([0xff]));
  }
  const login = Buffer.concat([fixed, ...fields]);
  login.writeUInt32LE(login.length, 0);
  return login;
}

function scramble(data: Buffer): Buffer {
  return Buffer.from(data.map((byte) => (((byte << 4) | (byte >> 4)) & 0xff) ^ 0xa5));
}
