/** What a new password must be, and passwords made for people who have to type them. */
import { randomInt } from 'node:crypto';
import { Failure } from '../observe/failure.ts';
import { PASSWORD_BYTES } from '../wire/limits.ts';
import { preparedPassword } from './prepared.ts';

/** NIST SP 800-63B §3.1.1 asks for 8 at least; length is what counts, so no rules of character classes. */
export const PASSWORD_LENGTH = 8;

/** @throws Failure CANNOT in words for the person who chose it */
export function checkNewPassword(password: string, account?: { readonly names: readonly string[] }): void {
  if (Array.from(password).length < PASSWORD_LENGTH)
    throw new Failure('CANNOT', `The password must have at least ${PASSWORD_LENGTH} characters.`);
  if (Buffer.byteLength(password) > PASSWORD_BYTES)
    throw new Failure('CANNOT', `The password must not be longer than ${PASSWORD_BYTES} bytes.`);
  if (preparedPassword(password) === null || /[\u0000-\u001f\u007f]/.test(password))
    throw new Failure('CANNOT', 'The password holds a character that passwords cannot have.');
  const word = password.toLowerCase();
  if (account?.names.some((name) => name.toLowerCase() === word) === true)
    throw new Failure('CANNOT', 'The password must not be the user name.');
  if (new Set(word).size < 3) throw new Failure('CANNOT', 'The password must have more than two different characters.');
}

/** No i, l, o, 0, 1: nothing that can be misread. */
export const READABLE = 'abcdefghjkmnpqrstuvwxyz23456789';
const GROUPS = 4;
const GROUP_LENGTH = 4;

/** Sixteen characters in four groups, 79 bits: `k7mp-2xqf-…`. */
export function generatePassword(): string {
  return passwordGroups(GROUPS);
}

/** Four readable characters a group, 19 bits each. */
export function passwordGroups(count: number): string {
  return Array.from({ length: count }, () =>
    Array.from({ length: GROUP_LENGTH }, () => READABLE[randomInt(READABLE.length)]).join(''),
  ).join('-');
}
