/**
 * Address lists (RFC 5322 §3.4 with the obsolete forms of §4.4, RFC 6532) into the four values of IMAP's address
 * structure (RFC 9051 §7.5.2). Accepts what mail really holds: names without quotes, dots and encoded words in
 * phrases, comments as names, semicolons between addresses, lists without any address. Never throws, takes linear
 * time, keeps at most ENVELOPE_ADDRESSES addresses.
 */
import { ENVELOPE_ADDRESSES } from '../wire/limits.ts';
import { isSpace, skipComment, skipSpace, unquote } from './octet-string.ts';

/** Octet strings. A group starts with {mailbox: its name, host: null} and ends with both null. */
export interface Address {
  readonly name: string | null;
  /** obs-route `@a,@b` of `<@a,@b:c@d>`. */
  readonly route: string | null;
  /** Local part without needless quotes; null ends a group. */
  readonly mailbox: string | null;
  /** Null marks the start or end of a group, so an address without a domain has the empty string here. */
  readonly host: string | null;
}

const GROUP_END: Address = { name: null, route: null, mailbox: null, host: null };

export function parseAddressList(value: string): Address[] {
  return new AddressReader(value).read();
}

class AddressReader {
  readonly #value: string;
  readonly #found: Address[] = [];
  /** Last `>` of the value: an angle bracket that opens behind it is never closed. */
  readonly #lastClose: number;
  /** Last `]`, for the same reason. */
  readonly #lastBracket: number;
  #at = 0;
  #inGroup = false;
  /** Words so far, unquoted, joined as written; the raw form keeps quotes for a bare address. */
  #words = '';
  #raw = '';
  #spaced = false;
  #sawAt = false;
  #comment: string | null = null;
  #angle: { route: string | null; mailbox: string; host: string } | null = null;

  constructor(value: string) {
    this.#value = value;
    this.#lastClose = value.lastIndexOf('>');
    this.#lastBracket = value.lastIndexOf(']');
  }

  read(): Address[] {
    const value = this.#value;
    while (this.#at < value.length && this.#found.length < ENVELOPE_ADDRESSES) {
      const code = value.charCodeAt(this.#at);
      switch (code) {
        case 0x20:
        case 0x09:
          this.#spaced = true;
          this.#at += 1;
          break;
        case 0x28: {
          const end = skipComment(value, this.#at);
          const closed = value.charCodeAt(end - 1) === 0x29 && end > this.#at + 1;
          this.#comment = unquote(value.slice(this.#at + 1, closed ? end - 1 : end)).trim();
          this.#spaced = true;
          this.#at = end;
          break;
        }
        case 0x22:
          this.#quoted();
          break;
        case 0x3c:
          this.#angleAddress();
          break;
        case 0x2c:
          this.#endAddress();
          this.#at += 1;
          break;
        case 0x3b:
          this.#endAddress();
          this.#endGroup();
          this.#at += 1;
          break;
        case 0x3a:
          this.#colon();
          break;
        case 0x5b:
          this.#domainLiteral();
          break;
        default:
          this.#atom();
      }
    }
    this.#endAddress();
    this.#endGroup();
    return this.#found;
  }

  #quoted(): void {
    const value = this.#value;
    const open = this.#at;
    let end = open + 1;
    while (end < value.length && value.charCodeAt(end) !== 0x22) end += value.charCodeAt(end) === 0x5c ? 2 : 1;
    end = Math.min(end, value.length);
    const text = unquote(value.slice(open + 1, end));
    this.#word(text, value.slice(open, Math.min(end + 1, value.length)));
    this.#at = end + 1;
  }

  #atom(): void {
    const value = this.#value;
    const start = this.#at;
    let end = start;
    while (end < value.length && !ENDS_ATOM.has(value.charCodeAt(end))) {
      if (value.charCodeAt(end) === 0x40) this.#sawAt = true;
      end += 1;
    }
    const text = value.slice(start, end);
    this.#word(text, text);
    this.#at = end;
  }

  #domainLiteral(): void {
    const closed = this.#at < this.#lastBracket;
    const end = closed ? this.#value.indexOf(']', this.#at) + 1 : this.#at + 1;
    const text = this.#value.slice(this.#at, end);
    this.#word(text, text);
    this.#at = end;
  }

  #word(text: string, raw: string): void {
    if (this.#spaced && this.#raw !== '') {
      this.#words += ' ';
      this.#raw += ' ';
    }
    this.#spaced = false;
    this.#words += text;
    this.#raw += raw;
  }

  #colon(): void {
    if (!this.#inGroup && !this.#sawAt && this.#angle === null && this.#words.trim() !== '') {
      this.#found.push({ name: null, route: null, mailbox: this.#words.trim(), host: null });
      this.#inGroup = true;
      this.#clear();
    } else this.#word(':', ':');
    this.#at += 1;
  }

  /** `<addr>` with an optional obs-route; a missing `>` ends at the next comma. */
  #angleAddress(): void {
    const value = this.#value;
    let start = this.#at + 1;
    let end = -1;
    if (start <= this.#lastClose) {
      let quotes = true;
      for (end = start; end < value.length && value.charCodeAt(end) !== 0x3e; end += 1) {
        if (!quotes || value.charCodeAt(end) !== 0x22) continue;
        // A quote that is never closed is no quote: look for `>` alone from there.
        const close = closingQuote(value, end);
        if (close > 0 && close < this.#lastClose) end = close;
        else quotes = false;
      }
    }
    this.#at = end + 1;
    if (end < 0 || end >= value.length) {
      const comma = value.indexOf(',', start);
      end = comma < 0 ? value.length : comma;
      this.#at = end;
    }
    let route: string | null = null;
    start = skipSpace(value, start);
    if (value.charCodeAt(start) === 0x40) {
      const path = value.slice(start, end);
      const colon = path.indexOf(':');
      if (colon > 0) {
        route = path.slice(0, colon).replaceAll(/[ \t]+/g, '');
        start += colon + 1;
      }
    }
    const { mailbox, host } = splitAddress(value.slice(start, end));
    // `<a@b> <c@d>`: the first address is the name's, a second one in the same entry is its own.
    if (this.#angle !== null) this.#endAddress();
    this.#angle = { route, mailbox, host };
    this.#spaced = true;
  }

  #endAddress(): void {
    const words = this.#words.trim();
    if (this.#angle !== null) {
      const name = words !== '' ? words : this.#comment;
      // An empty path (`<>`) without a name says nothing.
      if (this.#angle.mailbox !== '' || this.#angle.host !== '' || (name !== null && name !== '')) {
        this.#found.push({ name: name === '' ? null : name, ...this.#angle });
      }
    } else if (words !== '') this.#bareAddress(words);
    this.#clear();
  }

  /** No angle brackets: `user@host`, `user`, a lone display name, or `Name user@host` with brackets forgotten. */
  #bareAddress(words: string): void {
    const raw = this.#raw.trim();
    const comment = this.#comment === '' ? null : this.#comment;
    if (!this.#sawAt) {
      const isName = words.includes(' ');
      this.#found.push({ name: isName ? words : comment, route: null, mailbox: isName ? '' : words, host: '' });
      return;
    }
    if (!raw.includes(' ')) {
      this.#found.push({ name: comment, route: null, ...splitAddress(raw) });
      return;
    }
    // Obsolete white space around dots and the at sign (RFC 5322 §4.4).
    const compact = raw.replaceAll(/ ?([.@]) ?/g, '$1');
    const space = raw.startsWith('"') ? -1 : compact.lastIndexOf(' ');
    const last = compact.slice(space + 1);
    if (space > 0 && last.includes('@')) {
      this.#found.push({ name: unquote(compact.slice(0, space)), route: null, ...splitAddress(last) });
    } else this.#found.push({ name: comment, route: null, ...splitAddress(compact) });
  }

  #endGroup(): void {
    if (!this.#inGroup) return;
    this.#found.push(GROUP_END);
    this.#inGroup = false;
  }

  #clear(): void {
    this.#words = '';
    this.#raw = '';
    this.#spaced = false;
    this.#sawAt = false;
    this.#comment = null;
    this.#angle = null;
  }
}

/** White space and `"` `(` `,` `:` `;` `<` `[`. */
const ENDS_ATOM = new Set([0x20, 0x09, 0x22, 0x28, 0x2c, 0x3a, 0x3b, 0x3c, 0x5b]);

function closingQuote(value: string, open: number): number {
  for (let at = open + 1; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (code === 0x5c) at += 1;
    else if (code === 0x22) return at;
  }
  return -1;
}

/** Splits at the last `@` outside quotes; quotes, comments and white space around are taken off. */
function splitAddress(text: string): { mailbox: string; host: string } {
  const plain = withoutComments(text);
  const at = plain.lastIndexOf('@');
  if (at < 0 || plain.endsWith('"')) return { mailbox: localPart(plain), host: '' };
  return { mailbox: localPart(plain.slice(0, at)), host: plain.slice(at + 1) };
}

function localPart(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? unquote(text.slice(1, -1)) : text;
}

function withoutComments(text: string): string {
  if (!/[( \t]/.test(text)) return text;
  let plain = '';
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === 0x28) at = skipComment(text, at);
    else if (code === 0x22) {
      const close = closingQuote(text, at);
      const end = close < 0 ? text.length : close + 1;
      plain += text.slice(at, end);
      at = end;
    } else {
      if (!isSpace(code)) plain += text[at] ?? '';
      at += 1;
    }
  }
  return plain;
}
