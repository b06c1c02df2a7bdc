/** What a login is answered with. The order of the tokens is SQL Server's, and drivers rely on parts of it. */
import type { LoginVerdict, TdsMessage, TdsServerIdentity } from './backend';
import type { ByteWriter } from './bytes';
import { COLLATION } from './collation';
import type { TdsDialect } from './dialect';
import { FeatureId, type Login7 } from './login7';
import { DEFAULT_PACKET_SIZE } from './packets';
import {
  DoneStatus,
  EnvChange,
  type FeatureAck,
  writeDone,
  writeEnvBytes,
  writeEnvRouting,
  writeEnvText,
  writeFeatureExtAck,
  writeLoginAck,
  writeMessage,
} from './tokens';

const LANGUAGE = 'us_english';

export interface AcceptedLogin {
  readonly login: Login7;
  readonly identity: TdsServerIdentity;
  readonly dialect: TdsDialect;
  readonly packetSize: number;
  readonly database: string;
}

export function writeAccepted(w: ByteWriter, accepted: AcceptedLogin): void {
  const { login, identity, dialect, packetSize, database } = accepted;
  const inform = (number: number, state: number, message: string): void =>
    writeMessage(w, { number, severity: 0, state, message }, identity.serverName, dialect);
  writeEnvText(w, EnvChange.database, database, 'master');
  inform(5701, 2, `Changed database context to '${database}'.`);
  // Without a collation drivers cannot encode varchar parameters.
  writeEnvBytes(w, EnvChange.collation, COLLATION);
  writeEnvText(w, EnvChange.language, LANGUAGE, '');
  inform(5703, 1, `Changed language setting to ${LANGUAGE}.`);
  writeLoginAck(w, identity, dialect);
  writeEnvText(w, EnvChange.packetSize, String(packetSize), String(DEFAULT_PACKET_SIZE));
  const acks = featureAcks(login);
  if (acks.length > 0) writeFeatureExtAck(w, acks);
  writeDone(w, 'done', DoneStatus.final, dialect);
}

/** Only what the client asked for and the server keeps to. */
function featureAcks(login: Login7): FeatureAck[] {
  const acks: FeatureAck[] = [];
  if (login.features.fedAuth !== undefined) acks.push({ id: FeatureId.fedAuth, data: Buffer.alloc(0) });
  if (login.features.utf8) acks.push({ id: FeatureId.utf8Support, data: Buffer.from([1]) });
  return acks;
}

export function writeRefused(
  w: ByteWriter,
  errors: readonly TdsMessage[],
  identity: TdsServerIdentity,
  dialect: TdsDialect,
): void {
  for (const error of errors) writeMessage(w, error, identity.serverName, dialect);
  writeDone(w, 'done', DoneStatus.error, dialect);
}

export function writeRouted(
  w: ByteWriter,
  target: { readonly host: string; readonly port: number },
  identity: TdsServerIdentity,
  dialect: TdsDialect,
): void {
  writeLoginAck(w, identity, dialect);
  writeEnvRouting(w, target.host, target.port);
  writeDone(w, 'done', DoneStatus.final, dialect);
}

/** There is no Windows domain behind the estate. */
export function integratedSecurityRefused(): LoginVerdict {
  const message =
    'Login failed. The login is from an untrusted domain and cannot be used with Integrated authentication.';
  return { kind: 'refused', errors: [{ number: 18452, severity: 14, state: 1, message }] };
}

/** An Entra login where none is accepted. */
export function loginRefused(user: string): LoginVerdict {
  const message = `Login failed for user '${user}'.`;
  return { kind: 'refused', errors: [{ number: 18456, severity: 14, state: 1, message }] };
}
