/**
 * text/enriched (RFC 1896) and its older sister text/richtext (RFC 1341 §7.1.3): commands in angle brackets, `<<`
 * for one, single line ends that are spaces. What is no command of either is text.
 */
import { type RichSink, type Style, StyleStack } from './rich-text.ts';

const STYLES: Readonly<Record<string, Style | undefined>> = {
  bold: 'bold',
  italic: 'italic',
  underline: 'underline',
  fixed: 'fixed',
  bigger: 'bigger',
  smaller: 'smaller',
  center: 'center',
  excerpt: 'excerpt',
};
/** RFC 1896 §1: at most 60 characters. */
const COMMAND = /^<(\/?)([a-z0-9-]{1,60})>/i;
/** RFC 1341: these end a line by themselves. */
const RICHTEXT_BREAKS: Readonly<Record<string, number | undefined>> = { nl: 1, np: 2, paragraph: 2 };
/** RFC 1341 §7.1.3: content that is not shown. */
const UNSEEN = new Set(['param', 'comment']);

export function readEnriched(text: string, form: 'enriched' | 'richtext', sink: RichSink): void {
  const styles = new StyleStack(sink);
  let unseen = 0;
  let unfilled = 0;
  let pending = '';
  const flush = (): void => {
    if (pending !== '') sink.text(pending);
    pending = '';
  };
  const put = (piece: string): void => {
    if (unseen === 0) pending += piece;
  };
  for (let at = 0; at < text.length; ) {
    const next = nextMark(text, at);
    put(text.slice(at, next));
    if (next === text.length) break;
    if (text[next] !== '<') {
      const ends = /^(?:\r\n|\r|\n)+/.exec(text.slice(next, next + LINE_ENDS_LOOKED_AT))?.[0] ?? '\n';
      const count = ends.replaceAll('\r\n', '\n').length;
      at = next + ends.length;
      if (unseen > 0) continue;
      flush();
      // RFC 1896 §2: n line ends show as n - 1, a single one as a space.
      if (form === 'richtext') put(' ');
      else if (unfilled > 0) sink.newLine(count);
      else if (count > 1) sink.newLine(count - 1);
      else put(' ');
      continue;
    }
    if (form === 'enriched' && text[next + 1] === '<') {
      put('<');
      at = next + 2;
      continue;
    }
    const found = COMMAND.exec(text.slice(next, next + COMMAND_LOOKED_AT));
    if (found === null) {
      put('<');
      at = next + 1;
      continue;
    }
    at = next + found[0].length;
    const closes = found[1] === '/';
    const name = (found[2] ?? '').toLowerCase();
    if (UNSEEN.has(name)) {
      unseen = Math.max(0, unseen + (closes ? -1 : 1));
      continue;
    }
    if (unseen > 0) continue;
    flush();
    if (name === 'nofill') unfilled = Math.max(0, unfilled + (closes ? -1 : 1));
    if (form === 'richtext' && name === 'lt') put('<');
    const breaks = RICHTEXT_BREAKS[name];
    if (form === 'richtext' && breaks !== undefined && (name !== 'paragraph' || closes)) sink.newLine(breaks);
    const style = STYLES[name];
    if (style === undefined) continue;
    if (closes) styles.close(style);
    else styles.open(style);
  }
  flush();
  styles.closeAll();
}

const COMMAND_LOOKED_AT = 64;
/** Line ends counted as one run. */
const LINE_ENDS_LOOKED_AT = 256;
const MARK = /[<\r\n]/g;

function nextMark(text: string, from: number): number {
  MARK.lastIndex = from;
  return MARK.exec(text)?.index ?? text.length;
}
