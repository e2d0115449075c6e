/** SASLprep (RFC 4013) of passwords and names, so that one password typed on two keyboards is the same bytes. */
import { saslprep } from '@mongodb-js/saslprep';

/** For storing and for checking a password (RFC 4616 §2, RFC 5802 §2.2). Null: holds what SASLprep prohibits. */
export function preparedPassword(password: string): string | null {
  return prepared(password);
}

/** A name from a client; one that SASLprep refuses names nobody, and is looked up as it came. */
export function preparedName(name: string): string {
  return prepared(name) ?? name;
}

function prepared(text: string): string | null {
  // Printable ASCII maps to itself (RFC 4013 §2); nearly all names and passwords take this way.
  if (/^[\u0020-\u007e]*$/.test(text)) return text;
  try {
    return saslprep(text, { allowUnassigned: true });
  } catch {
    // The library has no other way to say "prohibited"; null says it to the caller.
    return null;
  }
}
