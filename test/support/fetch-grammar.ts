/**
 * A strict recursive-descent reader of `envelope` and `body` as RFC 9051 §9 writes them, for tests: it accepts what
 * the grammar allows and nothing else, so a client of any strictness can read what passes here. Written apart from
 * the writer, from the ABNF.
 */
export interface BodyTree {
  readonly type: string;
  readonly subtype: string;
  /** Octets of a single part; null for a multipart. */
  readonly octets: number | null;
  readonly lines: number | null;
  readonly parameters: ReadonlyMap<string, string>;
  readonly children: readonly BodyTree[];
}

export type EnvelopeAddress = readonly [string | null, string | null, string | null, string | null];

export interface EnvelopeTree {
  readonly texts: { readonly date: string | null; readonly subject: string | null; readonly messageId: string | null };
  /** from, sender, reply-to, to, cc, bcc. */
  readonly addresses: ReadonlyArray<readonly EnvelopeAddress[]>;
}

export class FetchGrammar {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  constructor(bytes: Buffer, from = 0, to = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = to;
  }

  expect(text: string): void {
    for (const char of Buffer.from(text, 'latin1')) {
      if (this.#at >= this.#end || this.#bytes[this.#at] !== char)
        throw this.#error(`expected ${JSON.stringify(text)}`);
      this.#at += 1;
    }
  }

  finish(): void {
    if (this.#at !== this.#end) throw this.#error('bytes behind the end');
  }

  envelope(): EnvelopeTree {
    this.expect('(');
    const date = this.#nstring();
    this.expect(' ');
    const subject = this.#nstring();
    const addresses: EnvelopeAddress[][] = [];
    for (let i = 0; i < 6; i += 1) {
      this.expect(' ');
      addresses.push(this.#addressList());
    }
    this.expect(' ');
    this.#nstring();
    this.expect(' ');
    const messageId = this.#nstring();
    this.expect(')');
    return { texts: { date, subject, messageId }, addresses };
  }

  /** @param extended BODYSTRUCTURE: all extension fields must be there; else BODY: none may. */
  body(extended: boolean): BodyTree {
    this.expect('(');
    const tree = this.#peek() === '(' ? this.#multipart(extended) : this.#singlePart(extended);
    this.expect(')');
    return tree;
  }

  #multipart(extended: boolean): BodyTree {
    const children: BodyTree[] = [];
    while (this.#peek() === '(') children.push(this.body(extended));
    this.expect(' ');
    const subtype = this.#string();
    let parameters = new Map<string, string>();
    if (extended) {
      this.expect(' ');
      parameters = this.#parameters();
      this.#extension();
    }
    return { type: 'multipart', subtype, octets: null, lines: null, parameters, children };
  }

  #singlePart(extended: boolean): BodyTree {
    const type = this.#string();
    this.expect(' ');
    const subtype = this.#string();
    if (type === '' || subtype === '') throw this.#error('empty media type');
    if (type.toLowerCase() === 'multipart') throw this.#error('a single part of type multipart');
    this.expect(' ');
    const parameters = this.#parameters();
    this.expect(' ');
    this.#nstring();
    this.expect(' ');
    this.#nstring();
    this.expect(' ');
    if (this.#string() === '') throw this.#error('empty encoding');
    this.expect(' ');
    const octets = this.#number();
    let lines: number | null = null;
    const children: BodyTree[] = [];
    if (type.toLowerCase() === 'message' && /^(?:rfc822|global)$/i.test(subtype)) {
      this.expect(' ');
      this.envelope();
      this.expect(' ');
      children.push(this.body(extended));
      this.expect(' ');
      lines = this.#number();
    } else if (type.toLowerCase() === 'text') {
      this.expect(' ');
      lines = this.#number();
    }
    if (extended) {
      this.expect(' ');
      this.#nstring();
      this.#extension();
    }
    return { type, subtype, octets, lines, parameters, children };
  }

  /** SP body-fld-dsp SP body-fld-lang SP body-fld-loc */
  #extension(): void {
    this.expect(' ');
    if (this.#peek() === '(') {
      this.expect('(');
      this.#string();
      this.expect(' ');
      this.#parameters();
      this.expect(')');
    } else this.expect('NIL');
    this.expect(' ');
    if (this.#peek() === '(') {
      this.expect('(');
      this.#string();
      while (this.#peek() === ' ') {
        this.expect(' ');
        this.#string();
      }
      this.expect(')');
    } else this.#nstring();
    this.expect(' ');
    this.#nstring();
  }

  #parameters(): Map<string, string> {
    const found = new Map<string, string>();
    if (this.#peek() === 'N') {
      this.expect('NIL');
      return found;
    }
    this.expect('(');
    for (;;) {
      const name = this.#string();
      this.expect(' ');
      found.set(name, this.#string());
      if (this.#peek() !== ' ') break;
      this.expect(' ');
    }
    this.expect(')');
    return found;
  }

  /** Groups must open and close (§7.5.2). */
  #addressList(): EnvelopeAddress[] {
    if (this.#peek() === 'N') {
      this.expect('NIL');
      return [];
    }
    const found: EnvelopeAddress[] = [];
    let inGroup = false;
    this.expect('(');
    while (this.#peek() === '(') {
      this.expect('(');
      const name = this.#nstring();
      this.expect(' ');
      const route = this.#nstring();
      this.expect(' ');
      const mailbox = this.#nstring();
      this.expect(' ');
      const host = this.#nstring();
      this.expect(')');
      found.push([name, route, mailbox, host]);
      if (host === null) {
        if (name !== null || route !== null) throw this.#error('a group mark with a name');
        if (inGroup !== (mailbox === null)) throw this.#error('group marks do not match');
        inGroup = mailbox !== null;
      } else if (mailbox === null) throw this.#error('an address without mailbox');
    }
    if (found.length === 0) throw this.#error('an empty address list');
    if (inGroup) throw this.#error('a group without end');
    this.expect(')');
    return found;
  }

  #nstring(): string | null {
    if (this.#peek() !== 'N') return this.#string();
    this.expect('NIL');
    return null;
  }

  #string(): string {
    if (this.#peek() === '{') return this.#literal();
    this.expect('"');
    let text = '';
    for (;;) {
      const code = this.#bytes[this.#at];
      if (this.#at >= this.#end || code === undefined) throw this.#error('a quoted string without end');
      this.#at += 1;
      if (code === 0x22) return text;
      if (code === 0 || code === 10 || code === 13 || code > 0x7f) throw this.#error(`byte ${code} in a quoted string`);
      if (code !== 0x5c) {
        text += String.fromCharCode(code);
        continue;
      }
      const quoted = this.#peek();
      if (quoted !== '"' && quoted !== '\\') throw this.#error('a backslash before another character');
      text += quoted;
      this.#at += 1;
    }
  }

  #literal(): string {
    this.expect('{');
    const size = this.#number();
    this.expect('}\r\n');
    const from = this.#at;
    this.#at += size;
    if (this.#at > this.#end) throw this.#error('a literal longer than the answer');
    const text = this.#bytes.toString('latin1', from, this.#at);
    if (text.includes('\0')) throw this.#error('NUL in a literal');
    return text;
  }

  #number(): number {
    let digits = '';
    while (/^[0-9]$/.test(this.#peek())) {
      digits += this.#peek();
      this.#at += 1;
    }
    if (digits === '' || Number(digits) > 0xffffffff) throw this.#error('expected a number');
    return Number(digits);
  }

  #peek(): string {
    return this.#at < this.#end ? String.fromCharCode(this.#bytes[this.#at] ?? 0) : '';
  }

  #error(reason: string): Error {
    const from = Math.max(0, this.#at - 60);
    return new Error(`${reason} at ${this.#at}: …${this.#bytes.toString('latin1', from, this.#at)}⟨here⟩`);
  }
}
