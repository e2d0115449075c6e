/** The original below an answer: who wrote it when, and what; as HTML and as text. Pure. */
import { type Address, writtenAddress } from './fields/address-list.ts';
import type { Quote } from './message.ts';
import { asHtml } from './email-object.ts';

/** Words around the original, in the language of who writes. */
export interface QuoteWords {
  /** `On …, … wrote:` */
  readonly attribution: string;
  /** `---------- Forwarded message ----------` */
  readonly forwarded: string;
  readonly labels: {
    readonly from: string;
    readonly date: string;
    readonly subject: string;
    readonly to: string;
    readonly cc: string;
  };
}

export interface QuotedHead {
  readonly from: readonly Address[];
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly subject: string;
  readonly date: string;
}

const QUOTE_STYLE = 'margin:0 0 0 0.8ex;padding-left:1ex;border-left:1px solid #b3bcc5';

/** @param html the original, clean */
export function quoteHtml(kind: Quote['kind'], html: string, head: QuotedHead, words: QuoteWords): Quote {
  if (kind === 'reply')
    return {
      kind,
      html: `<p style="margin:0">${asHtml(words.attribution)}</p><blockquote type="cite" style="${QUOTE_STYLE}">${html}</blockquote>`,
    };
  return { kind, html: `<p style="margin:0">${asHtml(headBlock(head, words).join('\n'))}</p><br>${html}` };
}

export function quoteText(kind: Quote['kind'], text: string, head: QuotedHead, words: QuoteWords): string {
  const original = text.replaceAll(/\r\n?/g, '\n').trimEnd();
  if (kind === 'forward') return `${headBlock(head, words).join('\n')}\n\n${original}\n`;
  const quoted = original.split('\n').map((line) => (line.startsWith('>') ? `>${line}` : `> ${line}`.trimEnd()));
  return `${words.attribution}\n${quoted.join('\n')}\n`;
}

function headBlock({ from, to, cc, subject, date }: QuotedHead, { forwarded, labels }: QuoteWords): readonly string[] {
  const list = (addresses: readonly Address[]): string => addresses.map(writtenAddress).join(', ');
  return [
    forwarded,
    `${labels.from}: ${list(from)}`,
    `${labels.date}: ${date}`,
    `${labels.subject}: ${subject}`,
    ...(to.length > 0 ? [`${labels.to}: ${list(to)}`] : []),
    ...(cc.length > 0 ? [`${labels.cc}: ${list(cc)}`] : []),
  ];
}
