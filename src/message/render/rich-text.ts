/**
 * Text between its forms: readers (HTML, text/enriched, plain) tell a sink what they find, writers (html-writer,
 * enriched-writer, plain-writer) make a body of it. Three readers and three writers instead of six converters.
 */

/** What text/enriched (RFC 1896 §3) and HTML both can say. `excerpt`: quoted text. */
export type Style = 'bold' | 'italic' | 'underline' | 'fixed' | 'bigger' | 'smaller' | 'center' | 'excerpt';

export interface RichSink {
  /** Characters to be shown as they are; no line ends in them. */
  text(text: string): void;
  /** `count` ends of lines, at least one. */
  newLine(count: number): void;
  /** Styles are closed in the reverse order of their opening. */
  open(style: Style): void;
  close(style: Style): void;
}

/** Styles opened inside each other; deeper ones are not told. */
const STYLE_DEPTH = 32;

/**
 * Keeps styles in order where a source does not: what is closed too early is opened again, what is never closed is
 * closed at the end.
 */
export class StyleStack {
  readonly #sink: RichSink;
  readonly #open: Style[] = [];

  constructor(sink: RichSink) {
    this.#sink = sink;
  }

  open(style: Style): void {
    if (this.#open.length >= STYLE_DEPTH) return;
    this.#open.push(style);
    this.#sink.open(style);
  }

  close(style: Style): void {
    const at = this.#open.lastIndexOf(style);
    if (at < 0) return;
    const inner = this.#open.splice(at).slice(1);
    for (const other of inner.toReversed()) this.#sink.close(other);
    this.#sink.close(style);
    for (const other of inner) this.open(other);
  }

  closeAll(): void {
    for (let style = this.#open.pop(); style !== undefined; style = this.#open.pop()) this.#sink.close(style);
  }
}
