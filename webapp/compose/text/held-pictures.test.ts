import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heldPictures, releasedPictures } from './held-pictures.ts';

const HTML =
  '<style>.a{background:url("https://evil.example/a.png")}</style><p style="background-image:url(&quot;http://evil.example/b&quot;)">x</p>' +
  '<img alt=">" src="https://evil.example/c.png"><img src="/jmap/download/a/b/c"><img src="data:image/png;base64,x"><a href="https://example.org/">l</a>';

test('nothing of the web is left to be fetched, and everything comes back', () => {
  const held = heldPictures(HTML);
  assert.ok(!/(?:src="|url\((?:&quot;|")?)https?:/i.test(held), held);
  assert.match(
    held,
    /<img src="\/jmap\/download\/a\/b\/c"><img src="data:image\/png;base64,x"><a href="https:\/\/example.org\/">/,
  );
  assert.equal(releasedPictures(held), HTML);
});
