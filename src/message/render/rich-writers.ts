/** Makes plain text, HTML and text/enriched of what a reader finds (rich-text.ts). */
import type { RichSink, Style } from './rich-text.ts';

export interface RichWriter extends RichSink {
  /** The whole body; its lines end with CRLF. */
  finish(): string;
}

export class PlainWriter implements RichWriter {
  readonly #pieces: string[] = [];
  #quotes = 0;
  #lineStart = true;
  /** The end of a quote has ended its line already. */
  #lineEnded = false;

  text(text: string): void {
    this.#lineEnded = false;
    if (this.#lineStart && this.#quotes > 0) this.#pieces.push('> '.repeat(Math.min(this.#quotes, QUOTE_MARKS)));
    this.#lineStart = false;
    this.#pieces.push(text);
  }

  newLine(count: number): void {
    for (let left = this.#lineEnded ? count - 1 : count; left > 0; left -= 1) this.#pieces.push('\r\n');
    this.#lineStart = true;
    this.#lineEnded = false;
  }

  open(style: Style): void {
    if (style === 'excerpt') this.#quote(1);
  }

  close(style: Style): void {
    if (style === 'excerpt') this.#quote(-1);
  }

  #quote(by: number): void {
    if (!this.#lineStart) {
      this.newLine(1);
      this.#lineEnded = true;
    }
    this.#quotes += by;
  }

  finish(): string {
    const lines = this.#pieces.join('').split('\r\n').map(withoutTrailingSpace);
    while (lines.at(-1) === '') lines.pop();
    return lines.length === 0 ? '' : `${lines.join('\r\n')}\r\n`;
  }
}

/** Quotes of quotes are marked up to this depth. */
const QUOTE_MARKS = 20;

/** By hand: a regular expression would look at each run of spaces as often as it is long. */
function withoutTrailingSpace(line: string): string {
  let end = line.length;
  while (end > 0 && (line.charCodeAt(end - 1) === 0x20 || line.charCodeAt(end - 1) === 0x09)) end -= 1;
  return line.slice(0, end);
}

const HTML_TAGS: Readonly<Record<Style, string>> = {
  bold: 'b',
  italic: 'i',
  underline: 'u',
  fixed: 'tt',
  bigger: 'big',
  smaller: 'small',
  center: 'center',
  excerpt: 'blockquote',
};

export class HtmlWriter implements RichWriter {
  readonly #pieces: string[] = [];
  #lineStart = true;

  text(text: string): void {
    // Spaces that HTML would swallow: at the start of a line and behind another one.
    const spaced = escapeHtml(text).replaceAll(/ (?= )/g, '&nbsp;');
    this.#pieces.push(this.#lineStart ? spaced.replace(/^ /, '&nbsp;') : spaced);
    this.#lineStart = false;
  }

  newLine(count: number): void {
    for (let left = count; left > 0; left -= 1) this.#pieces.push('<br>\r\n');
    this.#lineStart = true;
  }

  open(style: Style): void {
    this.#pieces.push(`<${HTML_TAGS[style]}>`);
  }

  close(style: Style): void {
    this.#pieces.push(`</${HTML_TAGS[style]}>`);
  }

  finish(): string {
    const head = '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">';
    return `<html>\r\n<head>${head}</head>\r\n<body>\r\n${this.#pieces.join('')}\r\n</body>\r\n</html>\r\n`;
  }
}

export class EnrichedWriter implements RichWriter {
  readonly #pieces: string[] = [];
  #newLines = 0;

  text(text: string): void {
    this.#endLines();
    this.#pieces.push(text.replaceAll('<', '<<'));
  }

  newLine(count: number): void {
    this.#newLines += count;
  }

  open(style: Style): void {
    this.#endLines();
    this.#pieces.push(`<${style}>`);
  }

  close(style: Style): void {
    this.#endLines();
    this.#pieces.push(`</${style}>`);
  }

  finish(): string {
    return `${this.#pieces.join('')}\r\n`;
  }

  /** RFC 1896 §2: of a run of line ends one is not shown. */
  #endLines(): void {
    if (this.#newLines > 0) this.#pieces.push('\r\n'.repeat(this.#newLines + 1));
    this.#newLines = 0;
  }
}

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
}
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
