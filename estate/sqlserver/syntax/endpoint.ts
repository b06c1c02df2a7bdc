/** CREATE / ALTER / DROP ENDPOINT ... FOR DATABASE_MIRRORING. */
import type { TokenCursor } from '../../sql/host';
import type { EndpointProtocol, EndpointStateWord, MirroringPayload, Statement } from './ast';
import { integer, keywordAt, list, literal, name, oneOf, parenthesized } from './reader';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const stateClause = (cursor: TokenCursor): EndpointStateWord | undefined => {
  if (!cursor.accept('STATE', '=')) return undefined;
  return oneOf(cursor, 'STARTED', 'STOPPED', 'DISABLED');
};

const listenerAddress = (cursor: TokenCursor): string => {
  if (cursor.accept('ALL')) return 'ALL';
  if (cursor.peek().kind === 'string') return literal(cursor);
  cursor.expect('(');
  if (cursor.peek().kind === 'string') {
    const address = literal(cursor);
    cursor.expect(')');
    return address;
  }
  // A four-part address without quotes, which the tokenizer sees as numbers and dots.
  let address = '';
  while (cursor.peek().text !== ')' && cursor.peek().kind !== 'end') address += cursor.next().text;
  cursor.expect(')');
  return address;
};

const protocolClause = (cursor: TokenCursor): EndpointProtocol => {
  const protocol: Mutable<EndpointProtocol> = {};
  parenthesized(cursor, () => {
    const option = oneOf(cursor, 'LISTENER_PORT', 'LISTENER_IP');
    cursor.expect('=');
    if (option === 'LISTENER_PORT') protocol.port = integer(cursor);
    else protocol.address = listenerAddress(cursor);
  });
  return protocol;
};

const windowsMethod = (cursor: TokenCursor): string => {
  const method = keywordAt(cursor);
  if (method !== 'NTLM' && method !== 'KERBEROS' && method !== 'NEGOTIATE') return 'NEGOTIATE';
  cursor.next();
  return method;
};

const authentication = (cursor: TokenCursor): NonNullable<MirroringPayload['authentication']> => {
  if (cursor.accept('CERTIFICATE')) {
    const certificate = name(cursor);
    if (!cursor.accept('WINDOWS')) return { description: 'CERTIFICATE', certificate };
    return { description: `CERTIFICATE, ${windowsMethod(cursor)}`, certificate };
  }
  cursor.expect('WINDOWS');
  const method = windowsMethod(cursor);
  if (!cursor.accept('CERTIFICATE')) return { description: method };
  return { description: `${method}, CERTIFICATE`, certificate: name(cursor) };
};

const encryption = (cursor: TokenCursor): NonNullable<MirroringPayload['encryption']> => {
  const mode = oneOf(cursor, 'DISABLED', 'SUPPORTED', 'REQUIRED');
  if (mode === 'DISABLED') return { mode, algorithm: 'NONE' };
  if (!cursor.accept('ALGORITHM')) return { mode, algorithm: 'AES' };
  if (cursor.accept('AES')) return { mode, algorithm: cursor.accept('RC4') ? 'AES, RC4' : 'AES' };
  cursor.expect('RC4');
  return { mode, algorithm: cursor.accept('AES') ? 'RC4, AES' : 'RC4' };
};

const payloadClause = (cursor: TokenCursor): MirroringPayload => {
  const payload: Mutable<MirroringPayload> = {};
  cursor.expect('(');
  list(cursor, () => {
    const option = oneOf(cursor, 'ROLE', 'AUTHENTICATION', 'ENCRYPTION');
    cursor.expect('=');
    switch (option) {
      case 'ROLE':
        payload.role = oneOf(cursor, 'WITNESS', 'PARTNER', 'ALL');
        return;
      case 'AUTHENTICATION':
        payload.authentication = authentication(cursor);
        return;
      case 'ENCRYPTION':
        payload.encryption = encryption(cursor);
    }
  });
  cursor.expect(')');
  return payload;
};

const payloadKind = (cursor: TokenCursor): void => {
  if (!cursor.accept('DATABASE_MIRRORING')) cursor.expect('DATA_MIRRORING');
};

/** After CREATE ENDPOINT. */
export const createEndpoint = (cursor: TokenCursor, line: number): Statement => {
  const endpoint = name(cursor);
  if (cursor.accept('AUTHORIZATION')) name(cursor);
  const state = stateClause(cursor) ?? 'STOPPED';
  cursor.expect('AS', 'TCP');
  const protocol = protocolClause(cursor);
  cursor.expect('FOR');
  payloadKind(cursor);
  return { kind: 'create-endpoint', name: endpoint, state, protocol, payload: payloadClause(cursor), line };
};

/** After ALTER ENDPOINT. Every part is optional, one must be there. */
export const alterEndpoint = (cursor: TokenCursor, line: number): Statement => {
  const endpoint = name(cursor);
  const state = stateClause(cursor);
  const protocol = cursor.accept('AS', 'TCP') ? protocolClause(cursor) : undefined;
  let payload: MirroringPayload | undefined;
  if (cursor.accept('FOR')) {
    payloadKind(cursor);
    payload = payloadClause(cursor);
  }
  if (state === undefined && protocol === undefined && payload === undefined) return cursor.fail();
  return {
    kind: 'alter-endpoint',
    name: endpoint,
    ...(state === undefined ? {} : { state }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(payload === undefined ? {} : { payload }),
    line,
  };
};

/** After DROP ENDPOINT. */
export const dropEndpoint = (cursor: TokenCursor, line: number): Statement => ({
  kind: 'drop-endpoint',
  name: name(cursor),
  line,
});
