/** Mail made ready to be shown: any bytes as HTML, style sheet or flowed text; never throws, leaves nothing that acts. */
import assert from 'node:assert/strict';
import { messageView } from '../src/message/safe-html/message-view.ts';
import { VECTORS } from '../test/support/hostile-mail.ts';
import { whatHarms } from '../test/support/harmless-html.ts';

export const name = 'safe-html';

const OWN = new Map([['logo@example.test', '/jmap/download/a1/B1_2/logo.png?type=image%2Fpng']]);
const CHARSETS = ['utf-8', 'utf-7', 'utf-16le', 'iso-2022-jp', 'windows-1252'];

export function* seeds(): Iterable<Buffer> {
  for (const vector of VECTORS) yield Buffer.from(vector);
  yield Buffer.from(
    'Yes.\r\n\r\nOn Monday,\r\nAnn <ann@example.test> wrote:\r\n> a \r\n>> b https://e.example/(x)\r\n-- \r\nAnn\r\n',
  );
  yield Buffer.from(
    '<p>Yes</p><img src="cid:logo%40example.test"><div class="gmail_quote"><blockquote type="cite">x</blockquote></div>',
  );
}

export function run(input: Buffer): void {
  // One charset an input: which one depends on the input alone.
  const source = { bytes: input, encoding: '8bit', charset: CHARSETS[input.length % CHARSETS.length] ?? null };
  const wish = { remotePictures: false, ownPictures: OWN, textOnly: input.length % 7 === 0 };
  for (const kind of ['html', 'plain'] as const) {
    const flow = kind === 'plain' && input.length % 2 === 0 ? { deleteSpace: input.length % 3 === 0 } : null;
    const { html, css } = messageView([{ kind, ...source, flow }], wish);
    assert.deepEqual(whatHarms(html, css), []);
  }
}
