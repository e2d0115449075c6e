import assert from 'node:assert/strict';
import { test } from 'node:test';
import { switchedFormat } from './format-switch.ts';
import { quoteHtml, quoteText } from './quote.ts';

const words = {
  attribution: 'On Monday, "A" <a@x.org> wrote:',
  forwarded: '--- Forwarded ---',
  labels: { from: 'From', date: 'Date', subject: 'Subject', to: 'To', cc: 'Cc' },
};
const head = {
  from: [{ name: 'Alm, Anna', email: 'a@x.org' }],
  to: [{ name: null, email: 'b@x.org' }],
  cc: [],
  subject: '<Plan>',
  date: 'Monday',
};

test('a reply quotes line by line, quotes of quotes keep their depth', () => {
  assert.equal(
    quoteText('reply', 'One\r\n\r\n> two\nthree\n\n', head, words),
    `${words.attribution}\n> One\n>\n>> two\n> three\n`,
  );
});

test('a forwarded message has its head, and its text as it was', () => {
  assert.equal(
    quoteText('forward', 'One\n> two\n', head, words),
    '--- Forwarded ---\nFrom: "Alm, Anna" <a@x.org>\nDate: Monday\nSubject: <Plan>\nTo: b@x.org\n\nOne\n> two\n',
  );
});

test('in HTML nothing of the head is HTML', () => {
  assert.match(
    quoteHtml('forward', '<b>x</b>', head, words).html,
    /Subject: &lt;Plan&gt;<br>To: b@x.org<\/p><br><b>x<\/b>$/,
  );
  const reply = quoteHtml('reply', '<b>x</b>', head, words).html;
  assert.match(
    reply,
    /^<p style="margin:0">On Monday, &quot;A&quot; &lt;a@x.org&gt; wrote:<\/p><blockquote type="cite" style="[^"]+"><b>x<\/b><\/blockquote>$/,
  );
});

test('the format changes, the words stay', () => {
  const quote = quoteHtml('reply', '<p style="margin:0">Original</p>', head, words);
  const plain = switchedFormat({ format: 'html', html: '<p>Yes, <b>both</b>.</p><p></p><p>Me</p>', quote });
  assert.deepEqual(plain, { format: 'text', text: `Yes, both.\n\nMe\n\n${words.attribution}\n> Original\n` });
  assert.deepEqual(switchedFormat({ format: 'text', text: 'a <b>\n> c\n' }), {
    format: 'html',
    html: '<p>a &lt;b&gt;</p><blockquote><p>c</p></blockquote>',
    quote: null,
  });
});
