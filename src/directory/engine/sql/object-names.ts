/** Names of sites, servers, databases and policies: free text of one line, unique without case. */
import { Failure } from '../../../observe/failure.ts';

export const OBJECT_NAME_LENGTH = 64;

/** @throws Failure CANNOT */
export function objectName(name: string, what: string): string {
  const trimmed = name.trim();
  if (trimmed.length < 1 || trimmed.length > OBJECT_NAME_LENGTH || /[\u0000-\u001f\u007f\\/]/.test(trimmed))
    throw new Failure('CANNOT', `${what} name must be 1–${OBJECT_NAME_LENGTH} characters without / and \\`);
  return trimmed;
}

export const taken = (what: string, name: string): Failure =>
  new Failure('ALREADYEXISTS', `the ${what} ${name} exists already`);

/** `DB1 is`, `DB1, DB2 are`. */
export const listed = (objects: ReadonlyArray<{ readonly name: string }>): string =>
  `${objects.map((one) => one.name).join(', ')} ${objects.length === 1 ? 'is' : 'are'}`;
