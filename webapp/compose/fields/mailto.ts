/** `mailto:` addresses (RFC 6068): whom to write to, about what. Attachments that a link asks for are never taken. Pure. */
import { type Address, readAddresses } from './address-list.ts';

export interface MailtoWish {
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly bcc: readonly Address[];
  readonly subject: string;
  readonly body: string;
}

/** A link is somebody else's: it fills in a page at most. */
const BODY_CHARACTERS = 64 * 1024;
const RECIPIENTS = 100;

/** Null: no mailto link. */
export function readMailto(href: string): MailtoWish | null {
  const parts = /^mailto:([^?#]*)(?:\?([^#]*))?/iu.exec(href.trim());
  if (parts === null) return null;
  const [, path = '', query = ''] = parts;
  const lists = { to: [decoded(path)], cc: [''], bcc: [''] };
  let [subject, body] = ['', ''];
  for (const field of query.split('&')) {
    const [name = '', ...value] = field.split('=');
    const text = decoded(value.join('='));
    switch (decoded(name).toLowerCase()) {
      case 'to':
        lists.to.push(text);
        break;
      case 'cc':
        lists.cc.push(text);
        break;
      case 'bcc':
        lists.bcc.push(text);
        break;
      case 'subject':
        subject = text.replaceAll(/\p{Cc}+/gu, ' ').trim();
        break;
      case 'body':
        body = text.replaceAll(/\r\n?/g, '\n').slice(0, BODY_CHARACTERS);
        break;
    }
  }
  const addresses = (texts: readonly string[]): readonly Address[] =>
    readAddresses(texts.join(',')).slice(0, RECIPIENTS);
  return { to: addresses(lists.to), cc: addresses(lists.cc), bcc: addresses(lists.bcc), subject, body };
}

/** `+` is a plus here (§5). What is no percent-encoding stays. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
