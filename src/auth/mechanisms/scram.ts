/**
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, server side (RFC 5802, RFC 7677), channel binding `tls-exporter` (RFC 9266).
 * The password never crosses the wire, and one exchange costs the server a few hashes.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Failure, ProtocolViolation } from '../../observe/failure.ts';
import type { LogonContext, SaslExchange, SaslStep } from '../api.ts';
import { hmac } from '../verifiers.ts';
import { checkedResponse, type MechanismHost, type ScramSubject, textOf } from './mechanism.ts';

/** 144 bits; RFC 5802 §5.1 leaves the length open. */
const NONCE_BYTES = 18;
export const SCRAM_NONCE_LENGTH = 512;
export const CHANNEL_BINDING_TYPE = 'tls-exporter';

export interface ClientFirst {
  /** `n,,` or `p=tls-exporter,a=name,`: comes back in `c=`. */
  readonly gs2Header: string;
  /** `n`: client does no binding; `y`: it could and thinks the server cannot; else the binding type. */
  readonly binding: { readonly flag: 'n' | 'y' } | { readonly flag: 'p'; readonly type: string };
  readonly authorizationId: string;
  readonly bare: string;
  readonly name: string;
  readonly nonce: string;
}

const malformed = (what: string): ProtocolViolation => new ProtocolViolation(`SCRAM: ${what}`);

/** saslname (RFC 5802 §7): `,` and `=` come as =2C and =3D. */
function decodedName(encoded: string): string {
  if (encoded === '' || /=(?!2C|3D)/.test(encoded)) throw malformed('bad user name');
  return encoded.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

const PRINTABLE = /^[\u0021-\u002b\u002d-\u007e]+$/;

/** @throws ProtocolViolation */
export function parseClientFirst(bytes: Uint8Array): ClientFirst {
  const message = textOf(checkedResponse(bytes), 'user name');
  const match = /^(?:([ny])|p=([A-Za-z0-9.-]{1,64})),(?:a=([^,]*))?,(.*)$/s.exec(message);
  if (match === null) throw malformed('bad GS2 header');
  const [, flag, type, encodedId, bare = ''] = match;
  const [nameAttribute = '', nonceAttribute = ''] = bare.split(',');
  if (nameAttribute.startsWith('m=')) throw malformed('mandatory extension is not supported');
  if (!nameAttribute.startsWith('n=') || !nonceAttribute.startsWith('r=')) throw malformed('n= and r= expected');
  const nonce = nonceAttribute.slice(2);
  if (!PRINTABLE.test(nonce) || nonce.length > SCRAM_NONCE_LENGTH) throw malformed('bad nonce');
  return {
    gs2Header: message.slice(0, message.length - bare.length),
    binding: type === undefined ? { flag: flag === 'y' ? 'y' : 'n' } : { flag: 'p', type },
    authorizationId: encodedId === undefined ? '' : decodedName(encodedId),
    bare,
    name: decodedName(nameAttribute.slice(2)),
    nonce,
  };
}

export interface ClientFinal {
  readonly channelBinding: Buffer;
  readonly nonce: string;
  readonly withoutProof: string;
  readonly proof: Buffer;
}

/** @throws ProtocolViolation */
export function parseClientFinal(bytes: Uint8Array): ClientFinal {
  const message = textOf(checkedResponse(bytes), 'user name');
  const match = /^c=([A-Za-z0-9+/]+={0,2}),r=([^,]+)((?:,[A-Za-z]=[^,]*)*),p=([A-Za-z0-9+/]+={0,2})$/s.exec(message);
  if (match === null) throw malformed('bad client-final-message');
  const [, channelBinding = '', nonce = '', , proof = ''] = match;
  return {
    channelBinding: Buffer.from(channelBinding, 'base64'),
    nonce,
    withoutProof: message.slice(0, message.lastIndexOf(',p=')),
    proof: Buffer.from(proof, 'base64'),
  };
}

/** What the client's GS2 flag means here (RFC 5802 §6). @throws Failure, ProtocolViolation */
function checkBinding(first: ClientFirst, plus: boolean, available: boolean): void {
  const { binding } = first;
  if (plus) {
    if (binding.flag !== 'p') throw malformed('-PLUS needs channel binding');
    if (binding.type !== CHANNEL_BINDING_TYPE)
      throw new Failure('AUTHENTICATIONFAILED', `Channel binding ${binding.type} is not supported; use tls-exporter.`);
    return;
  }
  if (binding.flag === 'p') throw malformed('channel binding belongs to SCRAM-SHA-256-PLUS');
  // The client saw no -PLUS although it was announced: somebody in between took it away.
  if (binding.flag === 'y' && available)
    throw new Failure('AUTHENTICATIONFAILED', 'Channel binding was stripped from the list of mechanisms.');
}

export function scramExchange(
  host: MechanismHost,
  context: LogonContext,
  options: { readonly plus: boolean; readonly nonce?: () => string },
): SaslExchange {
  const mechanism = options.plus ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256';
  let waiting: {
    readonly first: ClientFirst;
    readonly subject: ScramSubject;
    readonly nonce: string;
    readonly serverFirst: string;
  } | null = null;
  let state: 'begin' | 'asked' | 'final' | 'done' = 'begin';

  const begin = async (response: Uint8Array): Promise<SaslStep> => {
    const first = parseClientFirst(response);
    checkBinding(first, options.plus, context.channelBinding !== null);
    const subject = await host.scram(first.name, context, mechanism);
    const nonce = first.nonce + (options.nonce?.() ?? randomBytes(NONCE_BYTES).toString('base64'));
    const salt = Buffer.from(subject.salt).toString('base64');
    const serverFirst = `r=${nonce},s=${salt},i=${subject.iterations}`;
    waiting = { first, subject, nonce, serverFirst };
    state = 'final';
    return { done: false, challenge: Buffer.from(serverFirst, 'utf8') };
  };

  const finish = async (response: Uint8Array): Promise<SaslStep> => {
    if (waiting === null) throw new Error('SCRAM: final before first');
    const { first, subject, nonce, serverFirst } = waiting;
    const final = parseClientFinal(response);
    const bound = Buffer.concat([
      Buffer.from(first.gs2Header, 'utf8'),
      options.plus ? (context.channelBinding ?? Buffer.alloc(0)) : Buffer.alloc(0),
    ]);
    const authMessage = `${first.bare},${serverFirst},${final.withoutProof}`;
    // All of it is looked at before any is answered for.
    const fits = subject.keys.map(({ storedKey }) => proves(storedKey, final.proof, authMessage));
    const which = fits.indexOf(true);
    const serverKey = subject.keys[which]?.serverKey;
    const nonceFits = same(Buffer.from(final.nonce), Buffer.from(nonce));
    const bindingFits = same(final.channelBinding, bound);
    if (serverKey === undefined || !nonceFits || !bindingFits) return subject.reject();
    const logon = await subject.accept(which, first.authorizationId);
    const signature = hmac(serverKey, authMessage).toString('base64');
    return { done: true, logon, final: Buffer.from(`v=${signature}`, 'latin1') };
  };

  return {
    async step(response): Promise<SaslStep> {
      if (response === null) {
        if (state !== 'begin') throw malformed('response expected');
        state = 'asked';
        return { done: false, challenge: new Uint8Array(0) };
      }
      const now = state;
      // Whatever goes wrong from here on ends the exchange.
      state = 'done';
      if (now === 'begin' || now === 'asked') return begin(response);
      if (now === 'final') return finish(response);
      throw malformed('the exchange is over');
    },
  };
}

/** RFC 5802 §3: StoredKey is H(ClientKey), and the proof is ClientKey XOR the signature. */
function proves(storedKey: Uint8Array, proof: Uint8Array, authMessage: string): boolean {
  const clientSignature = hmac(storedKey, authMessage);
  const clientKey = Buffer.alloc(clientSignature.length);
  for (const [at, byte] of clientSignature.entries()) clientKey[at] = byte ^ (proof[at] ?? 0);
  return proof.length === clientKey.length && same(createHash('sha256').update(clientKey).digest(), storedKey);
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b);
