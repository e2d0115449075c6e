/** Readers and writers of body text, by examples of RFC 1896, RFC 3676 and everyday HTML. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readEnriched } from './enriched-reader.ts';
import { readHtml } from './html-reader.ts';
import { readPlain } from './plain-reader.ts';
import { EnrichedWriter, HtmlWriter, PlainWriter } from './rich-writers.ts';

const htmlAsText = (html: string): string => {
  const writer = new PlainWriter();
  readHtml(html, writer);
  return writer.finish();
};

const htmlCases: ReadonlyArray<readonly [string, string]> = [
  ['<p>One\n  two</p><p>Three</p>', 'One two\r\n\r\nThree\r\n'],
  ['a<br>b<br><br>c', 'a\r\nb\r\n\r\nc\r\n'],
  ['<div>a</div><div>b</div>', 'a\r\nb\r\n'],
  ['<ul><li>a<li>b<ul><li>c</ul></ul><ol><li>x</li><li>y</li></ol>', '* a\r\n* b\r\n  * c\r\n\r\n1. x\r\n2. y\r\n'],
  ['<a href="https://example.com/x">here</a>', 'here <https://example.com/x>\r\n'],
  ['<a href="https://example.com/">example.com</a>', 'example.com\r\n'],
  ['<a href="mailto:a@b.example">a@b.example</a>', 'a@b.example\r\n'],
  ['<a href="javascript:x()">x</a>', 'x\r\n'],
  ['He said:<blockquote>yes<br>no</blockquote>so', 'He said:\r\n\r\n> yes\r\n> no\r\n\r\nso\r\n'],
  ['<pre>a  b\n c</pre>', 'a  b\r\n c\r\n'],
  ['<head><title>t</title><style>p{}</style></head><body>b<script>s</script></body>', 'b\r\n'],
  ['<img src=x alt="a picture">', 'a picture\r\n'],
  ['<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>', 'a b\r\nc\r\n'],
  ['5 &lt; 6 &amp;&#x20ac; &shy;x&#xd800;', '5 < 6 &€ x\ufffd\r\n'],
  ['a<b>b</b> c', 'ab c\r\n'],
  ['a&nbsp;&nbsp;b', 'a  b\r\n'],
  ['<hr>', `${'-'.repeat(40)}\r\n`],
  ['', ''],
];
for (const [html, text] of htmlCases) test(`HTML to text: ${html}`, () => assert.equal(htmlAsText(html), text));

test('HTML to enriched keeps styles in order', () => {
  const writer = new EnrichedWriter();
  readHtml('<b>a<i>b</b>c</i> &lt;d><br>e', writer);
  assert.equal(writer.finish(), '<bold>a<italic>b</italic></bold><italic>c</italic> <<d>\r\n\r\ne\r\n');
});

const enrichedCases: ReadonlyArray<readonly ['enriched' | 'richtext', string, string]> = [
  ['enriched', '<bold>Now</bold> is the\ntime\n\nfor <<all>', 'Now is the time\r\nfor <all>\r\n'],
  ['enriched', '<color><param>red</param>x</color>', 'x\r\n'],
  ['enriched', 'a<nofill>\nb\nc</nofill>\nd', 'a\r\nb\r\nc d\r\n'],
  ['enriched', '<excerpt>q</excerpt>r', '> q\r\nr\r\n'],
  ['enriched', 'a < b <unknown>c', 'a < b c\r\n'],
  ['richtext', 'a<lt>b<nl>c\nd<comment>no</comment>', 'a<b\r\nc d\r\n'],
];
for (const [form, source, text] of enrichedCases) {
  test(`${form} to text: ${source}`, () => {
    const writer = new PlainWriter();
    readEnriched(source, form, writer);
    assert.equal(writer.finish(), text);
  });
}

test('plain text to HTML is escaped and keeps its spaces', () => {
  const writer = new HtmlWriter();
  readPlain(' a  <b>&"\r\n\r\nc', null, writer);
  assert.match(writer.finish(), /\r\n&nbsp;a&nbsp; &lt;b&gt;&amp;&quot;<br>\r\n<br>\r\nc\r\n<\/body>/);
});

test('flowed text (RFC 3676) is joined and unquoted', () => {
  const writer = new PlainWriter();
  readPlain('>> a \r\n>> b\r\n> c\r\nd \r\ne\r\n-- \r\nme\r\n from', { deleteSpace: false }, writer);
  assert.equal(writer.finish(), '> > a b\r\n> c\r\nd e\r\n--\r\nme\r\nfrom\r\n');
  const joined = new PlainWriter();
  readPlain('a \r\nb', { deleteSpace: true }, joined);
  assert.equal(joined.finish(), 'ab\r\n');
});

test('plain text survives text/enriched', () => {
  const line = fc.string({ maxLength: 30 }).map((text) => text.replaceAll(/[\r\n]/g, '').trim());
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
      const text = lines.join('\r\n').replaceAll(/^(?:\r\n)+|(?:\r\n)+$/g, '');
      const writer = new EnrichedWriter();
      readPlain(text, null, writer);
      const back = new PlainWriter();
      readEnriched(writer.finish(), 'enriched', back);
      assert.equal(back.finish().trimEnd(), text.trimEnd());
    }),
  );
});

test('readers take any text', () => {
  const soup = fc
    .array(
      fc.oneof(
        fc.constantFrom('<b>', '</b>', '<blockquote>', '<li>', '<pre>', '<a href="', '>', '<<', '&#', '<param>', '\n'),
        fc.string(),
      ),
    )
    .map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(soup, (text) => {
      for (const writer of [new PlainWriter(), new HtmlWriter(), new EnrichedWriter()]) {
        readHtml(text, writer);
        readEnriched(text, 'enriched', writer);
        readEnriched(text, 'richtext', writer);
        readPlain(text, { deleteSpace: true }, writer);
        writer.finish();
      }
    }),
  );
});
