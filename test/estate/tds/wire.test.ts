/** Golden bytes: what the server must send to the letter, from MS-TDS and from captures of real drivers. */
import {
  SqlDateTime,
  SqlDateTimeOffset,
  SqlDecimal,
  SqlTime,
  type SqlType,
  type SqlValue,
  SqlVariant,
  ticksFromUnixMs,
} from '../../../estate/sql/types';
import { ByteReader, ByteWriter } from '../../../estate/tds/bytes';
import { decodeCharacters, encodeCharacters } from '../../../estate/tds/collation';
import { declaredParameters } from '../../../estate/tds/declarations';
import { negotiateDialect, TDS_74 } from '../../../estate/tds/dialect';
import { frameMessage, PacketAssembler } from '../../../estate/tds/packets';
import { negotiateEncryption, parsePrelogin, writePrelogin } from '../../../estate/tds/prelogin';
import { type PacketSink, Reply } from '../../../estate/tds/reply';
import { parseRpc } from '../../../estate/tds/rpc';
import * as tokens from '../../../estate/tds/tokens';
import { parseTransactionRequest } from '../../../estate/tds/transaction-request';
import { readTypedValue } from '../../../estate/tds/type-reader';
import { isLongType, writeTypeInfo, writeValue } from '../../../estate/tds/type-writer';
import { SAMPLES } from './samples';

const hex = (text: string): string => text.replace(/\s/g, '');

function written(write: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter(1);
  write(writer);
  return writer.view().toString('hex');
}

const COLLATION = '0904d00034';

describe('packets', () => {
  test('header fields', () => {
    expect(frameMessage(4, Buffer.from([1, 2]), 0x0133).toString('hex')).toBe(
      hex('04 01 000a 0133 01 00 0102'),
    );
  });

  test('a long message is cut and put together again', () => {
    const data = Buffer.from(Array.from({ length: 5000 }, (_, i) => i & 0xff));
    const framed = frameMessage(3, data, 0, 512);
    expect(framed.subarray(0, 8).toString('hex')).toBe(hex('03 00 0200 0000 01 00'));
    const assembler = new PacketAssembler(1_000_000);
    const messages = [...framed].flatMap((byte) => [...assembler.push(Buffer.from([byte]))]);
    expect(messages).toEqual([{ type: 3, status: 1, data }]);
  });

  test('an empty message still has a packet', () => {
    expect(frameMessage(6, Buffer.alloc(0)).toString('hex')).toBe(hex('06 01 0008 0000 01 00'));
  });

  test.each([
    ['a length below the header', '0401000700000100'],
    ['another type inside a message', hex('01 00 0009 0000 01 00 aa 03 01 0008 0000 02 00')],
  ])('%s is refused', (_, bytes) => {
    expect(() => [...new PacketAssembler(1000).push(Buffer.from(bytes, 'hex'))]).toThrow('packet');
  });

  test('a message beyond the limit is refused before it is complete', () => {
    const assembler = new PacketAssembler(100);
    const packet = Buffer.concat([Buffer.from(hex('01 00 003a 0000 01 00'), 'hex'), Buffer.alloc(50)]);
    expect([...assembler.push(packet)]).toEqual([]);
    expect(() => [...assembler.push(packet)]).toThrow('longer than allowed');
  });
});

describe('PRELOGIN', () => {
  test('the answer that drivers accept', () => {
    const version = { major: 16, minor: 0, build: 4135 };
    expect(frameMessage(4, writePrelogin({ version, encryption: 2 })).toString('hex')).toBe(
      hex('0401002b00000100 00001a0006 0100200001 0200210001 0300220000 0400220001 ff 100010270000 02 00 00'),
    );
  });

  test('options of the client', () => {
    const both = parsePrelogin(Buffer.from(hex('01000b0001 06000c0001 ff 81 01'), 'hex'));
    expect(both).toEqual({ encryption: 1, fedAuthRequired: true });
    expect(() => parsePrelogin(Buffer.from(hex('01 ffff 0001 ff'), 'hex'))).toThrow();
    expect(() => parsePrelogin(Buffer.from([1, 0]))).toThrow();
  });

  // client: 0 off, 1 on, 2 not supported, 3 required
  test.each([
    ['optional', 0, 0, 'login'],
    ['optional', 1, 1, 'all'],
    ['optional', 2, 2, 'none'],
    ['optional', 3, 1, 'all'],
    ['required', 0, 3, 'all'],
    ['required', 1, 1, 'all'],
    ['required', 2, 3, 'all'],
    ['required', 3, 1, 'all'],
    ['off', 0, 2, 'none'],
    ['off', 1, 2, 'none'],
    ['off', 2, 2, 'none'],
    ['off', 3, 2, 'none'],
  ] as const)('encryption %s, client %i: answer %i, TLS for %s', (policy, client, answer, scope) => {
    expect(negotiateEncryption(client, policy)).toEqual({ answer, scope });
  });
});

describe('tokens', () => {
  const identity = {
    serverName: 'S',
    programName: 'Microsoft SQL Server',
    version: { major: 16, minor: 0, build: 4135, revision: 4 },
  };

  test('ERROR and INFO', () => {
    const message = { number: 35250, severity: 16, state: 9, message: 'no', line: 12, procedure: 'p' };
    expect(written((w) => tokens.writeMessage(w, message, 'S', TDS_74))).toBe(
      hex('aa 1600 b2890000 09 10 0200 6e006f00 01 5300 01 7000 0c000000'),
    );
    // Severity 10 travels as 0; others keep their number.
    expect(written((w) => tokens.writeMessage(w, { ...message, severity: 10 }, 'S', TDS_74))).toBe(
      hex('ab 1600 b2890000 09 00 0200 6e006f00 01 5300 01 7000 0c000000'),
    );
    expect(written((w) => tokens.writeMessage(w, { ...message, severity: 9 }, 'S', TDS_74))).toBe(
      hex('ab 1600 b2890000 09 09 0200 6e006f00 01 5300 01 7000 0c000000'),
    );
  });

  test('DONE in its three forms', () => {
    expect(written((w) => tokens.writeDone(w, 'done', 0x10, TDS_74, 3, 0xc1))).toBe(
      hex('fd 1000 c100 0300000000000000'),
    );
    expect(written((w) => tokens.writeDone(w, 'doneProc', 2, TDS_74))).toBe(
      hex('fe 0200 0000 0000000000000000'),
    );
    expect(written((w) => tokens.writeDone(w, 'doneInProc', 1, TDS_74))).toBe(
      hex('ff 0100 0000 0000000000000000'),
    );
  });

  test('ENVCHANGE', () => {
    expect(written((w) => tokens.writeEnvText(w, 1, 'ab', 'm'))).toBe(hex('e3 0900 01 02 61006200 01 6d00'));
    expect(written((w) => tokens.writeEnvBytes(w, 18, Buffer.alloc(0)))).toBe(hex('e3 0300 12 00 00'));
    expect(written((w) => tokens.writeEnvRouting(w, 'h', 1433))).toBe(
      hex('e3 0c00 14 0700 00 9905 0100 6800 0000'),
    );
  });

  test('LOGINACK', () => {
    expect(written((w) => tokens.writeLoginAck(w, identity, TDS_74))).toBe(
      hex(
        `ad 3200 01 74000004 14 ${Buffer.from('Microsoft SQL Server', 'utf16le').toString('hex')} 10 00 1027`,
      ),
    );
  });

  test('FEATUREEXTACK and FEDAUTHINFO', () => {
    expect(written((w) => tokens.writeFeatureExtAck(w, [{ id: 10, data: Buffer.from([1]) }]))).toBe(
      hex('ae 0a 01000000 01 ff'),
    );
    expect(written((w) => tokens.writeFedAuthInfo(w, 'a', 'bc'))).toBe(
      hex('ee 1c000000 02000000 01 02000000 16000000 02 04000000 18000000 6100 62006300'),
    );
  });

  test('RETURNSTATUS and RETURNVALUE', () => {
    expect(written((w) => tokens.writeReturnStatus(w, -6))).toBe(hex('79 faffffff'));
    expect(written((w) => tokens.writeReturnValue(w, 2, '@y', { kind: 'int' }, 42, TDS_74))).toBe(
      hex('ac 0200 02 40007900 01 00000000 0100 2604 04 2a000000'),
    );
  });

  test('COLMETADATA, ROW and NBCROW', () => {
    const columns = [
      { name: 'a', type: { kind: 'int' }, nullable: false },
      { name: 'b', type: { kind: 'nvarchar', length: 5 }, nullable: true },
    ] as const;
    expect(written((w) => tokens.writeColumns(w, columns, TDS_74))).toBe(
      hex(`81 0200 00000000 0800 2604 01 6100 00000000 0900 e70a00${COLLATION} 01 6200`),
    );
    expect(written((w) => tokens.writeRow(w, columns, [1, 'x'], TDS_74))).toBe(
      hex('d1 04 01000000 0200 7800'),
    );
    expect(written((w) => tokens.writeRow(w, columns, [1, null], TDS_74))).toBe(hex('d2 02 04 01000000'));
    const long = [{ name: 'c', type: { kind: 'image' }, nullable: true }] as const;
    expect(written((w) => tokens.writeColumns(w, long, TDS_74))).toBe(
      hex('81 0100 00000000 0900 22ffffff7f 01 0000 01 6300'),
    );
    const older = negotiateDialect(0x730a0003);
    expect(written((w) => tokens.writeRow(w, columns, [1, null], older))).toBe(hex('d1 04 01000000 ffff'));
    expect(() => written((w) => tokens.writeRow(w, columns, [1], TDS_74))).toThrow('1 values for 2 columns');
  });
});

const typed = (type: SqlType, value: SqlValue): string =>
  written((w) => {
    writeTypeInfo(w, type);
    writeValue(w, type, value);
  });

describe('types', () => {
  const noon = new SqlDateTime(ticksFromUnixMs(Date.UTC(2000, 0, 1, 12)));

  test.each<[string, SqlType, SqlValue, string]>([
    ['bit', { kind: 'bit' }, true, '6801 01 01'],
    ['tinyint', { kind: 'tinyint' }, 255, '2601 01 ff'],
    ['smallint', { kind: 'smallint' }, -2, '2602 02 feff'],
    ['int', { kind: 'int' }, null, '2604 00'],
    ['bigint', { kind: 'bigint' }, -1n, '2608 08 ffffffffffffffff'],
    ['real', { kind: 'real' }, 1.5, '6d04 04 0000c03f'],
    ['float', { kind: 'float' }, 1.5, '6d08 08 000000000000f83f'],
    ['money', { kind: 'money' }, new SqlDecimal(-1n, 4), '6e08 08 ffffffff ffffffff'],
    [
      'money above 32 bits',
      { kind: 'money' },
      new SqlDecimal(0x1_0000_0002n, 4),
      '6e08 08 01000000 02000000',
    ],
    ['smallmoney', { kind: 'smallmoney' }, new SqlDecimal(1n, 0), '6e04 04 10270000'],
    [
      'decimal',
      { kind: 'decimal', precision: 9, scale: 2 },
      new SqlDecimal(-12345n, 2),
      '6a05 09 02 05 00 39300000',
    ],
    [
      'decimal, rounded',
      { kind: 'decimal', precision: 5, scale: 1 },
      new SqlDecimal(125n, 2),
      '6a05 05 01 05 01 0d000000',
    ],
    [
      'lsn',
      { kind: 'decimal', precision: 25, scale: 0 },
      new SqlDecimal(1n, 0),
      `6a0d 19 00 0d 01 01${'00'.repeat(11)}`,
    ],
    [
      'uniqueidentifier',
      { kind: 'uniqueidentifier' },
      '6F9619FF-8B86-D011-B42D-00C04FC964FF',
      '2410 10 ff19966f868b11d0b42d00c04fc964ff',
    ],
    ['date', { kind: 'date' }, noon, '28 03 07240b'],
    ['datetime', { kind: 'datetime' }, noon, '6f08 08 ac8e0000 00c1c500'],
    ['smalldatetime', { kind: 'smalldatetime' }, noon, '6f04 04 ac8e d002'],
    ['time(0)', { kind: 'time', scale: 0 }, new SqlTime(10_000_000n), '2900 03 010000'],
    ['time(7)', { kind: 'time', scale: 7 }, new SqlTime(1n), '2907 05 0100000000'],
    ['datetime2(3)', { kind: 'datetime2', scale: 3 }, noon, '2a03 07 002e9302 07240b'],
    [
      'datetimeoffset(0)',
      { kind: 'datetimeoffset', scale: 0 },
      new SqlDateTimeOffset(noon.ticks, -60),
      '2b00 08 c0a800 07240b c4ff',
    ],
    ['char', { kind: 'char', length: 2 }, '€', `af0200${COLLATION} 0200 8020`],
    ['varchar', { kind: 'varchar', length: 2 }, 'é✓', `a70200${COLLATION} 0200 e93f`],
    [
      'varchar(max)',
      { kind: 'varchar', length: 'max' },
      'a',
      `a7ffff${COLLATION} 0100000000000000 01000000 61 00000000`,
    ],
    [
      'nvarchar(max), empty',
      { kind: 'nvarchar', length: 'max' },
      '',
      `e7ffff${COLLATION} 0000000000000000 00000000`,
    ],
    ['nvarchar(max), NULL', { kind: 'nvarchar', length: 'max' }, null, `e7ffff${COLLATION} ffffffffffffffff`],
    ['nchar', { kind: 'nchar', length: 2 }, 'a', `ef0400${COLLATION} 0400 61002000`],
    ['binary', { kind: 'binary', length: 2 }, Buffer.from([1]), 'ad0200 0200 0100'],
    ['varbinary', { kind: 'varbinary', length: 2 }, null, 'a50200 ffff'],
    ['xml', { kind: 'xml' }, 'a', 'f100 0200000000000000 02000000 6100 00000000'],
    ['image', { kind: 'image' }, Buffer.from([1]), `22ffffff7f 10 ${'64'.repeat(24)} 01000000 01`],
    ['text, NULL', { kind: 'text' }, null, `23ffffff7f${COLLATION} 00`],
    ['sql_variant, NULL', { kind: 'sql_variant' }, null, '62491f0000 00000000'],
    [
      'sql_variant of int',
      { kind: 'sql_variant' },
      new SqlVariant({ kind: 'int' }, 1),
      '62491f0000 06000000 38 00 01000000',
    ],
    [
      'sql_variant of nvarchar',
      { kind: 'sql_variant' },
      new SqlVariant({ kind: 'nvarchar', length: 128 }, 'a'),
      `62491f0000 0b000000 e7 07 ${COLLATION} 0001 6100`,
    ],
  ])('%s', (_, type, value, bytes) => {
    expect(typed(type, value)).toBe(hex(bytes));
  });

  test('midnight is reached by rounding the whole value', () => {
    const almost = new SqlDateTime(ticksFromUnixMs(Date.UTC(2000, 0, 2)) - 1n);
    expect(typed({ kind: 'datetime2', scale: 0 }, almost)).toBe(hex('2a00 06 000000 08240b'));
    expect(typed({ kind: 'datetime' }, almost)).toBe(hex('6f08 08 ad8e0000 00000000'));
    expect(typed({ kind: 'time', scale: 0 }, new SqlTime(864_000_000_000n - 1n))).toBe(hex('2900 03 000000'));
  });

  test.each<[string, SqlType, SqlValue]>([
    ['text for a number', { kind: 'int' }, 'x'],
    ['a number for text', { kind: 'nvarchar', length: 3 }, 1],
    ['300 as tinyint', { kind: 'tinyint' }, 300],
    ['2^31 as int', { kind: 'int' }, 2 ** 31],
    ['NaN', { kind: 'float' }, Number.NaN],
    ['too many digits', { kind: 'decimal', precision: 3, scale: 0 }, new SqlDecimal(1000n, 0)],
    ['too much money', { kind: 'smallmoney' }, new SqlDecimal(2_147_483_648n, 4)],
    ['text too long', { kind: 'nvarchar', length: 3 }, 'abcd'],
    ['a bad GUID', { kind: 'uniqueidentifier' }, 'nonsense'],
    [
      'max text in a variant',
      { kind: 'sql_variant' },
      new SqlVariant({ kind: 'varchar', length: 'max' }, 'x'.repeat(8001)),
    ],
    ['a variant in a variant', { kind: 'sql_variant' }, new SqlVariant({ kind: 'sql_variant' }, 'x')],
  ])('%s is refused', (_, type, value) => {
    expect(() => typed(type, value)).toThrow();
  });

  test.each(
    SAMPLES.filter(({ type }) => !isLongType(type)).map((sample) => [sample.name, sample] as const),
  )('%s is read back as it was written', (_, { type, value }) => {
    const writer = new ByteWriter();
    writeTypeInfo(writer, type);
    writeValue(writer, type, value);
    const reader = new ByteReader(Buffer.from(writer.view()));
    const read = readTypedValue(reader);
    expect(reader.atEnd).toBe(true);
    expect(read.type).toEqual(type);
    // Reading again what was read must change nothing more: rounding and padding happen once.
    expect(typed(read.type, read.value)).toBe(typed(type, value));
  });

  test.each([
    ['a fixed int', '38 01000000', { type: { kind: 'int' }, value: 1 }],
    ['a fixed bit', '32 01', { type: { kind: 'bit' }, value: true }],
    ['a fixed float', '3e 000000000000f83f', { type: { kind: 'float' }, value: 1.5 }],
    [
      'a numeric',
      '6c 05 09 02 05 01 01000000',
      { type: { kind: 'decimal', precision: 9, scale: 2 }, value: new SqlDecimal(1n, 2) },
    ],
    ['ntext', `63 04000000 ${COLLATION} 02000000 6100`, { type: { kind: 'ntext' }, value: 'a' }],
    ['UTF-8 text', 'a7 0a00 0904d00400 0200 c3a9', { type: { kind: 'varchar', length: 10 }, value: 'é' }],
    [
      'chunks of unknown total',
      `e7 ffff ${COLLATION} feffffffffffffff 02000000 6100 02000000 6200 00000000`,
      { type: { kind: 'nvarchar', length: 'max' }, value: 'ab' },
    ],
    [
      'typed xml',
      'f1 01 01 6100 01 6200 0100 6300 0400000000000000 04000000 fffe6100 00000000',
      { type: { kind: 'xml' }, value: 'a' },
    ],
    ['an untyped NULL', '1f', { type: { kind: 'nvarchar', length: 1 }, value: null }],
  ])('%s from a client', (_, bytes, expected) => {
    expect(readTypedValue(new ByteReader(Buffer.from(hex(bytes), 'hex')))).toEqual(expected);
  });

  test('a table-valued parameter is refused with 8009', () => {
    expect(() => readTypedValue(new ByteReader(Buffer.from([0xf3])))).toThrow('Data type 0xF3 is unknown');
  });

  test('code page 1252 both ways', () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const collation = Buffer.from(COLLATION, 'hex');
    expect(encodeCharacters(decodeCharacters(all, collation)).equals(all)).toBe(true);
  });
});

describe('requests', () => {
  test('sp_executesql as tedious sends it', () => {
    const text = Buffer.from('select @a', 'utf16le');
    const bytes = hex(`
      ffff 0a00 0000
      0a 4000730074006100740065006d0065006e007400 00 e71200${COLLATION} 1200 ${text.toString('hex')}
      02 40006100 01 2604 04 05000000`);
    const [call, ...others] = parseRpc(Buffer.from(bytes, 'hex'), TDS_74);
    expect(others).toEqual([]);
    expect(call).toMatchObject({
      procedureId: 10,
      name: 'sp_executesql',
      parameters: [
        {
          name: 'statement',
          output: false,
          type: { kind: 'nvarchar', length: 9 },
          value: 'select @a',
          ordinal: 0,
        },
        { name: 'a', output: true, type: { kind: 'int' }, value: 5, ordinal: 1 },
      ],
    });
  });

  test('more than 2100 parameters are refused with 8003', () => {
    const call = (parameters: number) =>
      Buffer.from(hex(`0100 7000 0000 ${'00 00 2604 00 '.repeat(parameters)}`), 'hex');
    expect(parseRpc(call(2100), TDS_74)[0]?.parameters).toHaveLength(2100);
    expect(() => parseRpc(call(2101), TDS_74)).toThrow(expect.objectContaining({ number: 8003 }));
  });

  test('several calls in one request', () => {
    const call = '0100 7000 0000 00 00 2604 00';
    const calls = parseRpc(Buffer.from(hex(`${call} ff ${call} fe ${call}`), 'hex'), TDS_74);
    expect(calls.map(({ name, parameters }) => [name, parameters.length])).toEqual([
      ['p', 1],
      ['p', 1],
    ]);
  });

  test('declarations', () => {
    const names = declaredParameters(
      "@p1 decimal(18,4), @p2 nvarchar(max)='a,@b' OUTPUT,@p3 [dbo].[my,type]",
    );
    expect(names).toEqual([
      { name: 'p1', hasDefault: false },
      { name: 'p2', hasDefault: true },
      { name: 'p3', hasDefault: false },
    ]);
    expect(declaredParameters('')).toEqual([]);
  });

  test('transaction manager requests', () => {
    const parse = (bytes: string): unknown => parseTransactionRequest(Buffer.from(hex(bytes), 'hex'));
    expect(parse('0500 04 02 7800')).toEqual([{ kind: 'begin', name: 'x', isolationLevel: 'serializable' }]);
    expect(parse('0500 00 00')).toEqual([{ kind: 'begin' }]);
    expect(parse('0700 00 00')).toEqual([{ kind: 'commit' }]);
    expect(parse('0800 02 7800 01 05 00')).toEqual([
      { kind: 'rollback', name: 'x' },
      { kind: 'begin', isolationLevel: 'snapshot' },
    ]);
    expect(parse('0900 02 7800')).toEqual([{ kind: 'save', name: 'x' }]);
    expect(() => parse('0100')).toThrow('MSDTC');
    expect(() => parse('7700')).toThrow('transaction manager request');
  });
});

describe('a reply', () => {
  class Recorder implements PacketSink {
    readonly packets: Buffer[] = [];
    keepsUp = true;
    write(data: Buffer): boolean {
      this.packets.push(data);
      return this.keepsUp;
    }
    drained(): Promise<void> {
      this.keepsUp = true;
      return Promise.resolve();
    }
  }

  test('never ends with an empty packet, and counts packets modulo 256', () => {
    const sink = new Recorder();
    const reply = new Reply(sink, 512, 51);
    for (let i = 0; i < 300; i++) {
      reply.writer.fill(i & 0xff, 504);
      reply.advance();
    }
    reply.end();
    const all = Buffer.concat(sink.packets);
    expect(all).toHaveLength(300 * 512);
    expect(all.subarray(0, 8).toString('hex')).toBe(hex('04 00 0200 0033 01 00'));
    expect(all.subarray(299 * 512, 299 * 512 + 8).toString('hex')).toBe(hex('04 01 0200 0033 2c 00'));
    expect(all[299 * 512 + 8]).toBe(299 & 0xff);
  });

  test('asks its writer to wait when the client lags', async () => {
    const sink = new Recorder();
    sink.keepsUp = false;
    const reply = new Reply(sink, 512, 51);
    reply.writer.fill(0, 100);
    reply.advance();
    expect(reply.pause()).toBeUndefined();
    reply.writer.fill(0, 500);
    reply.advance();
    await reply.pause();
    expect(sink.keepsUp).toBe(true);
  });
});
