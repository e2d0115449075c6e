import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sanitizeMail } from './sanitize.ts';
import { plainTextToHtml, QUOTE_DEPTH } from './plain-text.ts';

/** Without the attributes that every block has. */
const fixed = (text: string): string => strip(plainTextToHtml(text, null));
const flowed = (text: string, deleteSpace = false): string => strip(plainTextToHtml(text, { deleteSpace }));
const strip = (html: string): string =>
  html
    .replaceAll(' style="white-space:pre-wrap"', '')
    .replaceAll(' target="_blank" rel="noopener noreferrer nofollow"', '');

describe('plain text as HTML', () => {
  test('every character is text', () => {
    assert.equal(fixed('<script>"a" & \'b\'\0'), '<div>&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;\ufffd</div>');
  });

  test('addresses become links, without the punctuation around them', () => {
    assert.equal(
      fixed('(see https://e.example/a_(b)?c=1&d=2), www.e.example! ann@example.test.'),
      '<div>(see <a href="https://e.example/a_(b)?c=1&amp;d=2">https://e.example/a_(b)?c=1&amp;d=2</a>), ' +
        '<a href="https://www.e.example/">www.e.example</a>! <a href="mailto:ann@example.test">ann@example.test</a>.</div>',
    );
    assert.ok(!fixed('javascript:alert(1) data:text/html,x').includes('<a'));
  });

  test('quotes nest as deep as their marks say, up to a limit', () => {
    assert.equal(
      fixed('a\n> b\n> > c\n>> d\ne'),
      '<div>a</div><blockquote type="cite"><div>b</div><blockquote type="cite"><div>c\nd</div></blockquote></blockquote><div>e</div>',
    );
    const deep = fixed(`x\n${'>'.repeat(50)} y\nz`);
    assert.equal(deep.split('<blockquote').length - 1, QUOTE_DEPTH);
    assert.equal(deep.split('</blockquote').length - 1, QUOTE_DEPTH);
  });

  test('soft line ends are joined within one depth, signatures are not (RFC 3676 §4)', () => {
    assert.equal(flowed('one \ntwo\n three'), '<div>one two\nthree</div>');
    assert.equal(flowed('one \ntwo', true), '<div>onetwo</div>');
    assert.equal(
      flowed('a \n> b \n> c'),
      '<div>a </div><div data-mail-fold="quote"><blockquote type="cite"><div>b c</div></blockquote></div>',
    );
    assert.equal(flowed('a \n-- \nAnn'), '<div>a </div><div data-mail-fold="signature">-- \nAnn</div>');
  });

  test('the quoted end is marked with the line that announces it, a quote that is answered is not', () => {
    assert.equal(
      fixed('Yes.\n\nOn Monday,\nJörg wrote:\n> Well?\n'),
      '<div>Yes.\n</div><div data-mail-fold="quote"><div>On Monday,\nJörg wrote:</div><blockquote type="cite"><div>Well?</div></blockquote></div>',
    );
    assert.ok(!fixed('Jörg wrote:\n> Well?\nYes.\n').includes('data-mail-fold'));
    assert.ok(!fixed('> only a quote').includes('data-mail-fold'));
    assert.match(
      fixed('Yes.\n-----Original Message-----\nFrom: x\n'),
      /^<div>Yes\.<\/div><div data-mail-fold="quote"><div>-----Original/,
    );
    assert.match(
      fixed('Yes.\n> Well?\n-- \nAnn\n'),
      /data-mail-fold="quote"><blockquote.*data-mail-fold="signature">-- \nAnn<\/div><\/div>$/s,
    );
  });

  test('lines of the same mark take linear time', () => {
    const started = performance.now();
    fixed(`${'a.'.repeat(200_000)}@${'b.'.repeat(200_000)}\n${'>'.repeat(300_000)}\n${'http://'.repeat(50_000)}`);
    assert.ok(performance.now() - started < 10_000, 'a bound far above what linear time needs, far below quadratic');
  });
});

describe('the quoted end of HTML mail', () => {
  const html = (mail: string): string => sanitizeMail(mail, { remote: false, own: new Map() }).html;

  test('is marked however programs write it', () => {
    for (const quoted of [
      '<div class="gmail_quote"><div>On Monday Jörg wrote:</div><blockquote>Well?</blockquote></div>',
      '<blockquote type="cite">Well?</blockquote>',
      '<div id="divRplyFwdMsg">From: x</div><div>Well?</div>',
      '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm">From: x</div><p>Well?</p>',
    ])
      assert.match(html(`<p>Yes.</p>${quoted}`), /data-mail-fold="(?:quote|tail)"/, quoted);
  });

  test('is not marked when there is nothing else, or an answer behind it', () => {
    assert.ok(!html('<blockquote type="cite">Well?</blockquote>').includes('data-mail-fold'));
    assert.ok(!html('<p>a</p><blockquote type="cite">Well?</blockquote><p>Yes.</p>').includes('data-mail-fold'));
    assert.ok(!html('<p>a</p><blockquote>an indented line</blockquote>').includes('data-mail-fold'));
  });

  test('signatures are marked', () => {
    assert.match(
      html('<p>a</p><div class="gmail_signature">Ann</div>'),
      /class="gmail_signature" data-mail-fold="signature"/,
    );
  });
});
