/** Plain text, fixed or flowed (RFC 3676): soft line ends are joined again, quote marks become quotes. */
import { type RichSink } from './rich-text.ts';

export interface Flow {
  /** RFC 3676 §4: the space in front of a soft line end is no text. */
  readonly deleteSpace: boolean;
}

/** `flow` null: each line stands for itself. */
export function readPlain(text: string, flow: Flow | null, sink: RichSink): void {
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === '') lines.pop();
  if (flow !== null) {
    readFlowed(lines, flow, sink);
    return;
  }
  for (const [i, line] of lines.entries()) {
    if (i > 0) sink.newLine(1);
    if (line !== '') sink.text(line);
  }
}

/** RFC 3676 §4.5; excerpts deeper than this are shown as deep as this. */
const QUOTE_DEPTH = 20;

function readFlowed(lines: readonly string[], flow: Flow, sink: RichSink): void {
  let depth = 0;
  let isSoft = false;
  const turnTo = (wanted: number): void => {
    for (; depth > wanted; depth -= 1) sink.close('excerpt');
    for (; depth < wanted; depth += 1) sink.open('excerpt');
  };
  for (const [i, line] of lines.entries()) {
    let marks = 0;
    while (line[marks] === '>') marks += 1;
    const quoted = Math.min(marks, QUOTE_DEPTH);
    // §4.4 space-stuffing
    const content = line[marks] === ' ' ? line.slice(marks + 1) : line.slice(marks);
    if (i > 0 && !(isSoft && quoted === depth)) sink.newLine(1);
    turnTo(quoted);
    // §4.3: a signature's mark is never soft.
    isSoft = content.endsWith(' ') && content !== '-- ';
    const shown = isSoft && flow.deleteSpace ? content.slice(0, -1) : content;
    if (shown !== '') sink.text(shown);
  }
  turnTo(0);
}
