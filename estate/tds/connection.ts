/** One client connection from its first byte to its last: PRELOGIN, login, requests, Attention, end. */
import type { LoginVerdict, TdsBackend, TdsLogin } from './backend';
import { ProtocolError } from './bytes';
import { negotiateDialect } from './dialect';
import {
  integratedSecurityRefused,
  loginRefused,
  writeAccepted,
  writeRefused,
  writeRouted,
} from './login-reply';
import { type Login7, parseFederatedToken, parseLogin7 } from './login7';
import {
  DEFAULT_PACKET_SIZE,
  frameMessage,
  grantPacketSize,
  PacketAssembler,
  PacketType,
  type TdsMessageFrame,
} from './packets';
import {
  type EncryptionPolicy,
  negotiateEncryption,
  parsePrelogin,
  strictEncryptionAnswer,
  type TlsScope,
  writePrelogin,
} from './prelogin';
import { Reply } from './reply';
import { type AbortCause, RequestAborted, RequestRunner } from './request-runner';
import { SessionState } from './session-state';
import { DoneStatus, writeDone, writeFedAuthInfo } from './tokens';
import { type TdsSocket, type TlsCredentials, Transport } from './transport';

export interface ConnectionOptions {
  readonly backend: TdsBackend;
  readonly tls?: TlsCredentials;
  readonly encryption: EncryptionPolicy;
  readonly loginTimeoutMs: number;
  readonly spid: number;
  readonly onClosed: () => void;
}

/** LOGIN7 is limited to 128 KiB by MS-TDS 2.2.6.4; a token message is of the same order. */
const MAX_LOGIN_MESSAGE = 128 * 1024;
/** Requests: SQL Server's own limit is 65,536 packets of the negotiated size. */
const MAX_REQUEST_MESSAGE = 64 * 1024 * 1024;
/** Without MARS a client waits for each reply, so a long queue is an attack. */
const MAX_QUEUED_REQUESTS = 16;

type Phase =
  | { readonly kind: 'prelogin' }
  | { readonly kind: 'login'; readonly tlsScope: TlsScope }
  | { readonly kind: 'token'; readonly login: Login7 }
  | { readonly kind: 'authenticating' }
  | { readonly kind: 'ready'; readonly state: SessionState; readonly runner: RequestRunner }
  | { readonly kind: 'closing' };

export class Connection {
  private readonly transport: Transport;
  private readonly assembler = new PacketAssembler(MAX_LOGIN_MESSAGE);
  private readonly loginTimer: NodeJS.Timeout;
  private phase: Phase = { kind: 'prelogin' };
  private readonly queue: TdsMessageFrame[] = [];
  private running: AbortController | undefined;
  private session: SessionState | undefined;
  private attentionPending = false;
  private closed = false;

  constructor(
    socket: TdsSocket,
    private readonly options: ConnectionOptions,
  ) {
    const credentials = options.encryption === 'off' ? undefined : options.tls;
    this.transport = new Transport(socket, credentials, {
      data: (chunk) => this.onData(chunk),
      closed: () => this.onClosed(),
    });
    this.loginTimer = setTimeout(() => this.destroy(), options.loginTimeoutMs);
    this.loginTimer.unref();
  }

  get spid(): number {
    return this.options.spid;
  }

  destroy(): void {
    this.transport.destroy();
  }

  /** KILL: a running request gets error 596, an idle connection just ends. */
  terminate(): void {
    if (this.running === undefined) this.close();
    else this.abort('killed');
  }

  private onData(chunk: Buffer): void {
    try {
      for (const frame of this.assembler.push(chunk)) {
        if (this.closed || this.phase.kind === 'closing') return;
        this.onMessage(frame);
      }
    } catch {
      // Bytes that make no sense: SQL Server closes the connection too. There is nobody left to tell.
      this.destroy();
    }
  }

  private onMessage(frame: TdsMessageFrame): void {
    const { phase } = this;
    switch (phase.kind) {
      case 'prelogin':
        if (frame.type === PacketType.prelogin) this.onPrelogin(frame.data);
        else if (this.canSkipPrelogin(frame)) this.onLogin(frame.data, 'none');
        else throw unexpected(frame);
        return;
      case 'login':
        if (frame.type !== PacketType.login7) throw unexpected(frame);
        this.onLogin(frame.data, phase.tlsScope);
        return;
      case 'token':
        if (frame.type !== PacketType.federatedToken) throw unexpected(frame);
        this.authenticate(phase.login, parseFederatedToken(frame.data));
        return;
      case 'ready':
        this.onRequest(frame);
        return;
      case 'authenticating':
      case 'closing':
        throw unexpected(frame);
    }
  }

  /** Clients of TDS 7.1 (jTDS) may log in without PRELOGIN when they do not want encryption. */
  private canSkipPrelogin(frame: TdsMessageFrame): boolean {
    return frame.type === PacketType.login7 && this.options.encryption !== 'required';
  }

  private onPrelogin(data: Buffer): void {
    const { backend, tls, encryption: policy } = this.options;
    const request = parsePrelogin(data);
    const effective = tls === undefined ? 'off' : policy;
    const { answer, scope } = this.transport.isStrict
      ? { answer: strictEncryptionAnswer(request.encryption), scope: 'none' as const }
      : negotiateEncryption(request.encryption, effective);
    const { version, fedAuth } = backend.identity;
    const asked = request.fedAuthRequired && fedAuth !== undefined;
    const reply = writePrelogin({ version, encryption: answer, ...(asked ? { fedAuthRequired: true } : {}) });
    this.transport.write(frameMessage(PacketType.reply, reply));
    if (scope !== 'none') this.transport.startTls();
    this.phase = { kind: 'login', tlsScope: scope };
  }

  private onLogin(data: Buffer, tlsScope: TlsScope): void {
    const login = parseLogin7(data);
    if (tlsScope === 'login') this.transport.endTls();
    const { fedAuth } = login.features;
    const { fedAuth: accepted } = this.options.backend.identity;
    if (fedAuth?.workflow !== 'adal' || accepted === undefined) {
      this.authenticate(login, fedAuth?.workflow === 'securityToken' ? fedAuth.token : undefined);
      return;
    }
    const reply = this.newReply(DEFAULT_PACKET_SIZE);
    writeFedAuthInfo(reply.writer, accepted.stsUrl, accepted.spn);
    reply.end();
    this.phase = { kind: 'token', login };
  }

  private authenticate(login: Login7, accessToken: string | undefined): void {
    this.phase = { kind: 'authenticating' };
    this.verdict(login, accessToken).then(
      (verdict) => this.onVerdict(login, verdict),
      () => this.destroy(),
    );
  }

  private async verdict(login: Login7, accessToken: string | undefined): Promise<LoginVerdict> {
    const { backend } = this.options;
    if (login.integratedSecurity) return integratedSecurityRefused();
    if (login.features.fedAuth !== undefined && backend.identity.fedAuth === undefined)
      return loginRefused(login.user);
    return backend.login(this.describe(login, accessToken), this.spid, () => this.terminate());
  }

  private describe(login: Login7, accessToken: string | undefined): TdsLogin {
    const { user, password, database, hostName, applicationName, serverName, libraryName, readOnlyIntent } =
      login;
    return {
      user,
      password,
      database,
      hostName,
      applicationName,
      serverName,
      libraryName,
      readOnlyIntent,
      remoteAddress: this.transport.remoteAddress,
      ...(accessToken === undefined ? {} : { accessToken }),
    };
  }

  private onVerdict(login: Login7, verdict: LoginVerdict): void {
    clearTimeout(this.loginTimer);
    // The client may have gone, or the backend may have ended the connection, while it was deciding.
    if (this.closed || this.phase.kind !== 'authenticating') {
      if (verdict.kind === 'accepted') verdict.session.close();
      return;
    }
    try {
      this.applyVerdict(login, verdict);
    } catch {
      this.destroy();
    }
  }

  private applyVerdict(login: Login7, verdict: LoginVerdict): void {
    const { identity } = this.options.backend;
    const dialect = negotiateDialect(login.tdsVersion);
    const packetSize = grantPacketSize(login.packetSize);
    // The new packet size holds from the next message on; a client that asked for less may not take more now.
    const reply = this.newReply(Math.min(packetSize, DEFAULT_PACKET_SIZE));
    switch (verdict.kind) {
      case 'accepted': {
        const state = new SessionState(verdict.session, this.spid, dialect, packetSize, identity.serverName);
        writeAccepted(reply.writer, {
          login,
          identity,
          dialect,
          packetSize,
          database: verdict.session.database,
        });
        this.becomeReady(state);
        reply.end();
        return;
      }
      case 'refused':
        writeRefused(reply.writer, verdict.errors, identity, dialect);
        reply.end();
        this.close();
        return;
      case 'routed':
        writeRouted(reply.writer, verdict, identity, dialect);
        reply.end();
        this.close();
        return;
      case 'dropped':
        this.drop(verdict.how);
        return;
    }
  }

  private becomeReady(state: SessionState): void {
    const runner = new RequestRunner(state, {
      drop: (how) => this.drop(how),
      closeAfterReply: () => {
        this.phase = { kind: 'closing' };
      },
    });
    this.assembler.maximumSize = MAX_REQUEST_MESSAGE;
    this.phase = { kind: 'ready', state, runner };
    this.session = state;
  }

  private onRequest(frame: TdsMessageFrame): void {
    if (frame.type === PacketType.attention) {
      this.onAttention();
      return;
    }
    if (this.queue.length >= MAX_QUEUED_REQUESTS)
      throw new ProtocolError('requests sent without waiting for replies');
    this.queue.push(frame);
    if (this.running === undefined) this.runQueue().catch(() => this.destroy());
  }

  private onAttention(): void {
    if (this.running === undefined) {
      this.acknowledgeAttention();
      return;
    }
    this.attentionPending = true;
    this.abort('attention');
  }

  /**
   * The acknowledgement is a message of its own, after the end of the cancelled reply: tedious waits for both
   * (MS-TDS 2.2.1.7 and 3.3.5.7).
   */
  private acknowledgeAttention(): void {
    const { session } = this;
    if (session === undefined) return;
    this.attentionPending = false;
    const reply = this.newReply(session.packetSize);
    writeDone(reply.writer, 'done', DoneStatus.attention, session.dialect);
    reply.end();
  }

  private async runQueue(): Promise<void> {
    for (let frame = this.queue.shift(); frame !== undefined; frame = this.queue.shift()) {
      await this.runOne(frame);
      if (this.closed) break;
      if (this.phase.kind !== 'ready') {
        this.transport.end();
        break;
      }
      if (this.attentionPending) this.acknowledgeAttention();
    }
    if (this.closed) this.closeSession();
  }

  private async runOne(frame: TdsMessageFrame): Promise<void> {
    if (this.phase.kind !== 'ready') return;
    const { runner, state } = this.phase;
    this.running = new AbortController();
    try {
      await runner.run(frame, this.newReply(state.packetSize), this.running.signal);
    } finally {
      this.running = undefined;
    }
  }

  private abort(cause: AbortCause): void {
    this.running?.abort(new RequestAborted(cause));
  }

  private newReply(packetSize: number): Reply {
    return new Reply(this.transport, packetSize, this.spid);
  }

  /** Ends the connection in an orderly way. */
  private close(): void {
    this.phase = { kind: 'closing' };
    this.transport.end();
  }

  private drop(how: 'fin' | 'rst' | 'hang'): void {
    switch (how) {
      case 'fin':
        this.transport.fin();
        this.abort('gone');
        return;
      case 'rst':
        this.transport.reset();
        this.abort('gone');
        return;
      case 'hang':
        this.transport.mute();
        return;
    }
  }

  private onClosed(): void {
    this.closed = true;
    clearTimeout(this.loginTimer);
    this.queue.length = 0;
    if (this.running === undefined) this.closeSession();
    else this.abort('gone');
    this.options.onClosed();
  }

  /** Only when no request runs any more: a session never sees two things at once. */
  private closeSession(): void {
    this.session?.session.close();
    this.session = undefined;
  }
}

function unexpected(frame: TdsMessageFrame): ProtocolError {
  return new ProtocolError(`unexpected message of type ${frame.type} and ${frame.data.length} bytes`);
}
