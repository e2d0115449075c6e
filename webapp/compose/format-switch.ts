/** Rich to plain and back: the words stay. Pure. */
import { QUOTE_CLASSES } from './email-object.ts';
import type { Body } from './message.ts';
import { htmlToText } from './text/html-text.ts';
import { mailHtml } from './text/mail-html.ts';
import { textToHtml } from './text/text-html.ts';

export function switchedFormat(body: Body): Body {
  if (body.format === 'text') return { format: 'html', html: textToHtml(body.text), quote: null };
  const own = mailHtml(body.html, new Map()).html;
  const quote =
    body.quote === null
      ? ''
      : `<p style="margin:0"></p><div class="${QUOTE_CLASSES[body.quote.kind]}">${body.quote.html}</div>`;
  return { format: 'text', text: htmlToText(own + quote) };
}
