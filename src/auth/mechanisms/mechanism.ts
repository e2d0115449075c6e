/** What a SASL mechanism (RFC 4422) needs from the authenticator: a password check, or the SCRAM keys of a name. */
import { isUtf8 } from 'node:buffer';
import { ProtocolViolation } from '../../observe/failure.ts';
import { LOGON_NAME_BYTES, PASSWORD_BYTES, SASL_RESPONSE_BYTES } from '../../wire/limits.ts';
import type { Logon, LogonContext } from '../api.ts';

export interface ScramKeys {
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** A name that SCRAM asked for. Unknown names get keys that nothing fits, so that the exchange looks the same. */
export interface ScramSubject {
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** Of the account's own password and of its app passwords; at least one. All are made with the salt above. */
  readonly keys: readonly ScramKeys[];
  /** The proof was right for `keys[which]`: the last checks. @throws Failure */
  accept(which: number, authorizationId: string): Promise<Logon>;
  /** The proof was wrong: counts, delays, throws AUTHENTICATIONFAILED. */
  reject(): Promise<never>;
}

export interface MechanismHost {
  password(
    name: string,
    password: string,
    authorizationId: string,
    context: LogonContext,
    mechanism: string,
  ): Promise<Logon>;
  /** @throws Failure LIMIT, UNAVAILABLE */
  scram(name: string, context: LogonContext, mechanism: string): Promise<ScramSubject>;
}

/** @throws ProtocolViolation */
export function checkedResponse(response: Uint8Array): Buffer {
  if (response.length > SASL_RESPONSE_BYTES) throw new ProtocolViolation('SASL response too long');
  return Buffer.from(response.buffer, response.byteOffset, response.length);
}

/** @throws ProtocolViolation when it is not UTF-8 or too long */
export function textOf(bytes: Buffer, what: 'user name' | 'password'): string {
  const limit = what === 'password' ? PASSWORD_BYTES : LOGON_NAME_BYTES;
  if (bytes.length > limit) throw new ProtocolViolation(`${what} longer than ${limit} bytes`);
  if (!isUtf8(bytes) || bytes.includes(0)) throw new ProtocolViolation(`${what} is not UTF-8 text`);
  return bytes.toString('utf8');
}
