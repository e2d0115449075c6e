/**
 * Replies of one POP3 session in the language its client has chosen (RFC 6856 §3). Passed from the front end to the
 * back end by the language's tag. Writes bytes, knows no socket.
 */
import { Buffer } from 'node:buffer';
import type { Failure } from '../observe/failure.ts';
import { type Pop3ResponseCode, responseCodeOf, statusLine } from './grammar.ts';
import { DEFAULT_LANGUAGE, findLanguage, LANGUAGES, type Language } from './texts/languages.ts';
import type { Pop3Texts } from './texts/texts.ts';

/** The part of wire/byte-writer.ts that is needed here. */
export interface ReplyOutput {
  ascii(text: string): unknown;
  utf8(text: string): unknown;
}

export class Replies {
  readonly #preferred: Language;
  #language: Language;
  /** The client said LANG: texts are UTF-8 from then on, whatever the language (RFC 6856 §3.2). */
  #negotiated: boolean;

  /**
   * @param tag what LANG has chosen earlier in this session; null: nothing
   * @param preferred BCP 47 tag of the language that `LANG *` means
   */
  constructor(tag: string | null = null, preferred = DEFAULT_LANGUAGE.tag) {
    this.#preferred = findLanguage(preferred) ?? DEFAULT_LANGUAGE;
    this.#language = (tag === null ? null : findLanguage(tag)) ?? DEFAULT_LANGUAGE;
    this.#negotiated = tag !== null;
  }

  get texts(): Pop3Texts {
    return this.#language.texts;
  }

  /** Null: LANG was not used. */
  get language(): string | null {
    return this.#negotiated ? this.#language.tag : null;
  }

  /** Back to the language of the beginning: a LANG from before TLS may be an attacker's (RFC 6856 §7). */
  reset(): void {
    this.#language = DEFAULT_LANGUAGE;
    this.#negotiated = false;
  }

  ok(out: ReplyOutput, text = ''): void {
    this.#write(out, text === '' ? '+OK' : `+OK ${text}`);
  }

  err(out: ReplyOutput, text: string, code: Pop3ResponseCode | null = null): void {
    this.#write(out, code === null ? `-ERR ${text}` : `-ERR [${code}] ${text}`);
  }

  failure(out: ReplyOutput, failure: Failure): void {
    this.err(out, this.texts.failure(failure.code) ?? failure.message, responseCodeOf(failure));
  }

  /** LANG, LANG tag (RFC 6856 §3.2). False: there is no such language. */
  lang(out: ReplyOutput, range: string | null): boolean {
    if (range === null) {
      this.ok(out, this.texts.languagesFollow);
      // The listing is UTF-8 by definition, also for a client that has chosen nothing yet.
      for (const { tag, name } of LANGUAGES) out.utf8(`${tag} ${name}\r\n`);
      out.ascii('.\r\n');
      return true;
    }
    const language = findLanguage(range, this.#preferred);
    if (language === null) {
      this.err(out, this.texts.languageUnknown(range.toUpperCase()));
      return false;
    }
    this.#language = language;
    this.#negotiated = true;
    this.ok(out, `${language.tag} ${this.texts.languageChanged}`);
    return true;
  }

  #write(out: ReplyOutput, text: string): void {
    const line = statusLine(text, this.#negotiated);
    if (line.length === Buffer.byteLength(line)) out.ascii(line);
    else out.utf8(line);
  }
}
