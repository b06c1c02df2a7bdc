/** LOGIN7 and its feature extensions, MS-TDS 2.2.6.4. */
import { ByteReader, ProtocolError } from './bytes';

export interface Login7 {
  readonly tdsVersion: number;
  readonly packetSize: number;
  readonly hostName: string;
  readonly user: string;
  readonly password: string;
  readonly applicationName: string;
  readonly serverName: string;
  readonly libraryName: string;
  readonly database: string;
  readonly readOnlyIntent: boolean;
  readonly integratedSecurity: boolean;
  readonly features: LoginFeatures;
}

export interface LoginFeatures {
  readonly utf8: boolean;
  readonly fedAuth?: FedAuthRequest;
}

/**
 * securityToken: the access token comes with the login. adal: the client first wants to know where to get one
 * (FEDAUTHINFO) and then sends it in a message of its own.
 */
export type FedAuthRequest =
  | { readonly workflow: 'securityToken'; readonly token: string }
  | { readonly workflow: 'adal' };

/** Offsets in the fixed part. */
const Field = {
  tdsVersion: 4,
  packetSize: 8,
  optionFlags2: 25,
  typeFlags: 26,
  optionFlags3: 27,
  hostName: 36,
  userName: 40,
  password: 44,
  applicationName: 48,
  serverName: 52,
  extension: 56,
  libraryName: 60,
  database: 68,
} as const;

/** Up to and with the database field and client id; older clients end here. */
const MIN_LENGTH = 86;
const INTEGRATED_SECURITY = 0x80;
const READ_ONLY_INTENT = 0x20;
const HAS_EXTENSION = 0x10;

export const FeatureId = { fedAuth: 0x02, utf8Support: 0x0a } as const;
const FEATURE_TERMINATOR = 0xff;

/** @throws ProtocolError */
export function parseLogin7(data: Buffer): Login7 {
  if (data.length < MIN_LENGTH) throw new ProtocolError(`LOGIN7 of ${data.length} bytes`);
  const whole = new ByteReader(data);
  const field = (offset: number): Buffer =>
    whole.at(data.readUInt16LE(offset), data.readUInt16LE(offset + 2) * 2);
  const text = (offset: number): string => field(offset).toString('utf16le');
  return {
    tdsVersion: data.readUInt32LE(Field.tdsVersion),
    packetSize: data.readUInt32LE(Field.packetSize),
    hostName: text(Field.hostName),
    user: text(Field.userName),
    password: unscramble(field(Field.password)),
    applicationName: text(Field.applicationName),
    serverName: text(Field.serverName),
    libraryName: text(Field.libraryName),
    database: text(Field.database),
    readOnlyIntent: (data.readUInt8(Field.typeFlags) & READ_ONLY_INTENT) !== 0,
    integratedSecurity: (data.readUInt8(Field.optionFlags2) & INTEGRATED_SECURITY) !== 0,
    features: parseFeatures(data, whole),
  };
}

/** Undoes the client's obfuscation: each byte XOR 0xA5, then its halves swapped. */
function unscramble(bytes: Buffer): string {
  const clear = Uint8Array.from(bytes).map((byte) => {
    const mixed = byte ^ 0xa5;
    return ((mixed << 4) | (mixed >> 4)) & 0xff;
  });
  return Buffer.from(clear).toString('utf16le');
}

function parseFeatures(data: Buffer, whole: ByteReader): LoginFeatures {
  if ((data.readUInt8(Field.optionFlags3) & HAS_EXTENSION) === 0) return { utf8: false };
  // The extension field points to the offset of the features, not to the features.
  const pointer = whole.at(data.readUInt16LE(Field.extension), 4).readUInt32LE();
  if (pointer > data.length) throw new ProtocolError('feature extensions lie outside LOGIN7');
  const reader = new ByteReader(data.subarray(pointer));
  let utf8 = false;
  let fedAuth: FedAuthRequest | undefined;
  for (let id = reader.u8(); id !== FEATURE_TERMINATOR; id = reader.u8()) {
    const feature = new ByteReader(reader.bytes(reader.u32()));
    if (id === FeatureId.utf8Support) utf8 = true;
    if (id === FeatureId.fedAuth) fedAuth = parseFedAuth(feature);
    // Session recovery, column encryption, data classification and the rest are not acknowledged, so they stay off.
  }
  return fedAuth === undefined ? { utf8 } : { utf8, fedAuth };
}

const FedAuthLibrary = { securityToken: 1, adal: 2 } as const;

function parseFedAuth(feature: ByteReader): FedAuthRequest {
  const library = feature.u8() >> 1; // the low bit echoes FEDAUTHREQUIRED
  switch (library) {
    case FedAuthLibrary.securityToken:
      return { workflow: 'securityToken', token: feature.bytes(feature.u32()).toString('utf16le') };
    case FedAuthLibrary.adal:
      return { workflow: 'adal' };
    default:
      throw new ProtocolError(`federated authentication library ${library}`);
  }
}

/** Federated Authentication Token message (packet type 8), MS-TDS 2.2.6.3: the answer to FEDAUTHINFO. */
export function parseFederatedToken(data: Buffer): string {
  const reader = new ByteReader(data);
  reader.u32(); // length of all that follows
  return reader.bytes(reader.u32()).toString('utf16le');
}
