/**
 * Hostile HTML mail through EmailView's sanitizer, judged by a second reader that shares no list with it. That the same
 * messages do nothing in a browser is test/web/hostile-mail.test.ts.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseMessage } from '../../src/message/scanner.ts';
import { readParts } from '../../src/message/fragment.ts';
import { LineEndNormalizer } from '../../src/message/line-ends.ts';
import type { BodySource } from '../../src/message/safe-html/message-view.ts';
import { isNestedHostilely } from '../../src/message/safe-html/sanitize.ts';
import { messageView } from '../../src/message/safe-html/message-view.ts';
import { corpusMessages, corpusMissing } from '../support/corpus.ts';
import { whatHarms } from '../support/harmless-html.ts';
import { hostileMails, VECTORS } from '../support/hostile-mail.ts';

/** All texts of a message as the view takes them. */
function bodiesOf(bytes: Buffer): BodySource[] {
  const message = new LineEndNormalizer().push(bytes);
  return readParts(parseMessage(message).fragment, 0)
    .filter(({ mediaType }) => mediaType === 'text/html' || mediaType === 'text/plain')
    .map(({ mediaType, bodyStart, bodyEnd, encoding, charset }) => ({
      kind: mediaType === 'text/html' ? 'html' : 'plain',
      bytes: message.subarray(bodyStart, bodyEnd),
      encoding,
      charset,
      flow: null,
    }));
}

const harmOf = (bodies: readonly BodySource[]): readonly string[] => {
  const view = messageView(bodies, { remotePictures: false, ownPictures: new Map(), textOnly: false });
  return whatHarms(view.html, view.css);
};

describe('hostile HTML mail', () => {
  test('no vector leaves anything that acts', () => {
    assert.ok(VECTORS.length > 300, `${VECTORS.length} vectors`);
    for (const { name, bytes } of hostileMails()) assert.deepEqual(harmOf(bodiesOf(bytes)), [], name);
  });

  test('the judge knows harm when it sees it', () => {
    for (const harm of [
      '<script>x</script>',
      '<p onclick="x">',
      '<a href="javascript:x">',
      '<img src="https://attacker.test/x">',
      '<p style="background:url(https://attacker.test/x)">',
      '<iframe src="x"></iframe>',
      '<img src="/session">',
      '<p style="position:fixed">',
    ])
      assert.notDeepEqual(whatHarms(harm, ''), [], harm);
    assert.notDeepEqual(whatHarms('', '@import "x"'), []);
    assert.notDeepEqual(whatHarms('', 'p{background:url("https://attacker.test/x")}'), []);
  });

  test('nothing of the corpus does either', { skip: corpusMissing() }, () => {
    let seen = 0;
    for (const { name, bytes } of corpusMessages()) {
      if (!/^(phishing-pot|torture|spamtest|imip)/.test(name) || bytes.length > 300_000) continue;
      seen += 1;
      assert.deepEqual(harmOf(bodiesOf(bytes)), [], name);
    }
    assert.ok(seen > 500, `${seen} messages`);
  });

  test('what is nested to be slow is seen before it is', () => {
    for (const html of ['<div>', '<b><i>', '<table><a><td>', '<noscript></p>', '<blockquote type=cite>'])
      assert.ok(isNestedHostilely(html.repeat(100_000)), html);
  });
});
