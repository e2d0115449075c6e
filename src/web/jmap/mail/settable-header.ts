/** Properties of an Email or a part that are header fields and can be set (RFC 8621 §4.1.3, §4.6). Pure. */
import { MethodError, SetError } from '../method-error.ts';
import { HEADER_PROPERTIES } from './email-properties.ts';
import { headerWish, type HeaderWish } from './header-forms.ts';

/** Null: it is no header field. @throws SetError */
export function settable(key: string): HeaderWish | null {
  const known = HEADER_PROPERTIES.get(key);
  if (known !== undefined) return { property: key, field: known[0], form: known[1], all: false };
  try {
    return headerWish(key);
  } catch (error) {
    if (error instanceof MethodError) throw new SetError('invalidProperties', error.message, { properties: [key] });
    throw error;
  }
}
