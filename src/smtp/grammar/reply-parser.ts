/**
 * Replies of another server (RFC 5321 §4.2, §4.2.1) with their enhanced status codes (RFC 2034 §4), line by line. Pure.
 */
import type { Buffer } from 'node:buffer';
import { ProtocolViolation } from '../../observe/failure.ts';
import { SMTP_REPLY_LINES } from '../../wire/limits.ts';
import type { Reply } from './reply.ts';

/** Code, hyphen or space, text; a code alone is a whole line too (§4.2.1: clients must take it). */
const LINE = /^([2-5][0-5]\d)(?:([ -])(.*))?$/s;
const ENHANCED = /^([245]\.\d{1,3}\.\d{1,3})(?: +|$)/;

export class ReplyParser {
  #code: number | null = null;
  #enhanced: string | null = null;
  #lines: string[] = [];

  /** In the middle of a reply of several lines. */
  get isOpen(): boolean {
    return this.#code !== null;
  }

  /**
   * One line with its end. Null: the reply goes on.
   * @throws ProtocolViolation (fatal): not a reply; nothing that follows can be trusted
   */
  push(line: Buffer): Reply | null {
    const parsed = LINE.exec(line.toString('latin1').replace(/\r?\n$/, ''));
    const code = Number(parsed?.[1]);
    if (parsed === null) throw violation('the other server sent no SMTP reply');
    if (this.#code !== null && this.#code !== code) throw violation('the lines of a reply have different codes');
    if (this.#lines.length >= SMTP_REPLY_LINES) throw violation(`a reply has more than ${SMTP_REPLY_LINES} lines`);
    const text = this.#withoutStatus(code, parsed[3] ?? '');
    this.#code = code;
    this.#lines.push(text);
    if (parsed[2] === '-') return null;
    const reply: Reply = { code, enhanced: this.#enhanced, lines: this.#lines };
    this.#code = null;
    this.#enhanced = null;
    this.#lines = [];
    return reply;
  }

  /** The first line says the status, the others repeat it; one of another class than the code is text. */
  #withoutStatus(code: number, text: string): string {
    const status = ENHANCED.exec(text);
    const [all = '', value = ''] = status ?? [];
    if (status === null || Number(value[0]) !== Math.floor(code / 100)) return text;
    if (this.#lines.length === 0) this.#enhanced = value;
    return value === this.#enhanced ? text.slice(all.length) : text;
  }
}

const violation = (text: string): ProtocolViolation => new ProtocolViolation(text, { fatal: true });
