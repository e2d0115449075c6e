import assert from 'node:assert/strict';
import { test } from 'node:test';
import { htmlToText } from './html-text.ts';
import { mailHtml } from './mail-html.ts';
import { textToHtml } from './text-html.ts';

const CASES: ReadonlyArray<readonly [why: string, html: string, text: string]> = [
  ['paragraphs', '<p>One</p><p>Two &amp; <b>three</b></p>', 'One\n\nTwo & three\n'],
  ['line breaks', '<p>One<br>Two<br><br>Three</p>', 'One\nTwo\n\nThree\n'],
  ['an empty paragraph between', '<p>One</p><p><br></p><p>Two</p>', 'One\n\n\nTwo\n'],
  [
    'lines as they are written here',
    '<p style="margin:0">One</p><p style="margin:0"></p><p style="margin:0">Two</p><p style="margin:0">x</p>',
    'One\n\nTwo\nx\n',
  ],
  ['white space', '<p>  a \n b&nbsp;&nbsp;c </p>', 'a b  c\n'],
  ['divs', '<div>One</div><div>Two</div>', 'One\nTwo\n'],
  [
    'lists',
    '<p>x</p><ul><li><p>a</p></li><li><p>b</p><ol><li><p>c</p></li></ol></li></ul><p>y</p>',
    'x\n\n- a\n- b\n  1. c\n\ny\n',
  ],
  ['a list that begins elsewhere', '<ol start="3"><li>c</li><li>d</li></ol>', '3. c\n4. d\n'],
  ['a quote', '<p>Hi</p><blockquote><p>a</p><p>b</p></blockquote><p>c</p>', 'Hi\n\n> a\n>\n> b\n\nc\n'],
  ['quotes in quotes', '<blockquote>a<blockquote>b</blockquote></blockquote>', '> a\n>\n>> b\n'],
  [
    'links',
    '<a href="https://example.org/x">here</a> <a href="https://example.org/">example.org</a> <a href="mailto:a@b.c">a@b.c</a>',
    'here <https://example.org/x> example.org a@b.c\n',
  ],
  ['pictures', '<p>x <img src="cid:1" alt="Map"> y<img src="cid:2"></p>', 'x [Map] y\n'],
  ['code', '<pre><code>if (a &lt; b)\n  c();</code></pre><p>x</p>', 'if (a < b)\n  c();\n\nx\n'],
  ['a table', '<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>', 'a\tb\nc\n'],
  ['a rule', '<p>a</p><hr><p>b</p>', `a\n\n${'-'.repeat(40)}\n\nb\n`],
  ['styles and comments are no text', '<style>p{}</style><!-- x --><p>a</p><script>1</script>', 'a\n'],
  ['the signature mark', '<p>a</p><p>-- <br>Anna</p>', 'a\n\n-- \nAnna\n'],
  ['nothing', '<p></p>', ''],
  ['references', '<p>&#169; &#xe9; &lt;b&gt; &unknown; &quot;</p>', '© é <b> &unknown; "\n'],
];
for (const [why, html, text] of CASES)
  test(`HTML to text: ${why}`, () => {
    assert.equal(htmlToText(html), text);
  });

test('text to HTML and back is the same text', () => {
  for (const text of [
    'a\n',
    'a\nb\n\nc\n',
    '> a\n> b\n\nc\n',
    '> a\n>> b\n',
    '> a\n>\n> b\nc\n',
    'x\n\n\ny\n',
    'a <b> & "c"\n',
    '-- \nAnna\n',
    'see https://example.org/a?b=c&d now\n',
    '  indented\n',
  ])
    assert.equal(htmlToText(mailHtml(textToHtml(text), new Map()).html), text, text);
});

test('text to HTML: links can be followed, nothing else is HTML', () => {
  assert.equal(
    textToHtml('<b> https://example.org/x, and (http://a.example/b).'),
    '<p>&lt;b&gt; <a href="https://example.org/x">https://example.org/x</a>, and (<a href="http://a.example/b">http://a.example/b</a>).</p>',
  );
});
