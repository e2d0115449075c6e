/**
 * A deterministic mailbox for measuring: 50,000 messages, mean about 31 KB, median about 8.5 KB, with the mix of
 * plain text, alternatives and attachments of an office mailbox. Made from a seed; nothing of it is real mail.
 */
const WORDS = 20_000;
const SIGMA = 1.6;

export class BenchCorpus {
  readonly count: number;
  #seed: number;
  readonly #words: string[];
  readonly #base64: string;

  constructor(count: number, seed = 20_261_123) {
    this.count = count;
    this.#seed = seed;
    this.#words = Array.from({ length: WORDS }, () => this.#word());
    const raw = Buffer.alloc(3 * 1024 * 1024);
    for (let i = 0; i < raw.length; i += 4) raw.writeUInt32LE(this.#next(), i);
    this.#base64 = raw.toString('base64').replace(/.{76}/g, '$&\r\n');
  }

  /** Message `index`, always the same bytes for the same index. */
  message(index: number): Buffer {
    this.#seed = (index + 1) * 2_654_435_761;
    for (let i = 0; i < 4; i += 1) this.#next();
    const target = Math.min(1_000_000, Math.max(1_000, Math.round(Math.exp(9.05 + SIGMA * this.#gauss()))));
    const date = new Date(Date.UTC(2020, 0, 1) + index * 3_600_000);
    const id = `<m${index}.${this.#next().toString(36)}@bench.example>`;
    const reply = index > 10 && this.#unit() < 0.4 ? Math.floor(index - 1 - this.#unit() * 10) : -1;
    const subject =
      reply < 0 ? this.#sentence(3 + Math.floor(this.#unit() * 6)) : `Re: thread ${reply} ${this.#pick()}`;
    const head =
      `Return-Path: <${this.#pick()}@bench.example>\r\n` +
      `Received: from mx${index % 9}.bench.example (mx.bench.example [192.0.2.7])\r\n\tby mail.bench.example with ESMTPS id ${this.#next().toString(36)};\r\n\t${date.toUTCString().replace('GMT', '+0000')}\r\n` +
      `From: "${this.#pick()} ${this.#pick()}" <${this.#pick()}@bench.example>\r\nTo: ${this.#pick()}@bench.example, "${this.#pick()}" <${this.#pick()}@other.example>\r\n` +
      (this.#unit() < 0.3 ? `Cc: ${this.#pick()}@bench.example\r\n` : '') +
      `Subject: ${subject}\r\nDate: ${date.toUTCString().replace('GMT', '+0000')}\r\nMessage-ID: ${id}\r\n` +
      (reply < 0 ? '' : `In-Reply-To: <m${reply}.x@bench.example>\r\nReferences: <m${reply}.x@bench.example>\r\n`) +
      'MIME-Version: 1.0\r\n';
    const text = this.#text(Math.min(target, 2_000 + Math.floor(this.#unit() * 4_000)));
    if (target < 6_000) return Buffer.from(`${head}Content-Type: text/plain; charset=utf-8\r\n\r\n${text}`, 'latin1');
    const boundary = `=_b${index}`;
    const rest = Math.max(1_000, target - text.length);
    if (target < 16_000) {
      const html = `<html><body><p>${this.#text(rest)}</p></body></html>\r\n`;
      return Buffer.from(
        `${head}Content-Type: multipart/alternative; boundary="${boundary}"\r\n\r\n--${boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${text}\r\n--${boundary}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n${html}\r\n--${boundary}--\r\n`,
        'latin1',
      );
    }
    const start = Math.floor((this.#unit() * (this.#base64.length - rest)) / 78) * 78;
    // Whole lines only: a cut inside CRLF would leave a bare CR, which SMTP refuses.
    const attachment = this.#base64.slice(Math.max(0, start), Math.max(0, start) + Math.ceil(rest / 78) * 78);
    return Buffer.from(
      `${head}Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n--${boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${text}\r\n--${boundary}\r\nContent-Type: application/pdf; name="file${index}.pdf"\r\nContent-Disposition: attachment; filename="file${index}.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n${attachment}\r\n--${boundary}--\r\n`,
      'latin1',
    );
  }

  #next(): number {
    // xorshift32
    let x = this.#seed | 0 || 1;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#seed = x;
    return x >>> 0;
  }

  #unit(): number {
    return this.#next() / 0x1_0000_0000;
  }

  #gauss(): number {
    return Math.sqrt(-2 * Math.log(this.#unit() || 1e-9)) * Math.cos(2 * Math.PI * this.#unit());
  }

  #word(): string {
    const length = 2 + (this.#next() % 9);
    let word = '';
    for (let i = 0; i < length; i += 1) word += String.fromCharCode(97 + (this.#next() % 26));
    return word;
  }

  /** Zipf-like: low ranks are frequent. */
  #pick(): string {
    return this.#words[Math.floor(WORDS ** this.#unit()) - 1] ?? 'mail';
  }

  #sentence(words: number): string {
    return Array.from({ length: words }, () => this.#pick()).join(' ');
  }

  #text(bytes: number): string {
    const lines: string[] = [];
    for (let size = 0; size < bytes; ) {
      const line = this.#sentence(10);
      lines.push(line);
      size += line.length + 2;
    }
    return `${lines.join('\r\n')}\r\n`;
  }
}
