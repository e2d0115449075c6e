/** Whole messages, format by format: what comes out, what stays as it is. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, test } from 'node:test';
import {
  RENDERED_GROWTH,
  RENDERED_GROWTH_BYTES,
  RENDERED_MESSAGE_BYTES,
  RENDERED_TEXT_BYTES,
} from '../../wire/limits.ts';
import { readParts } from '../fragment.ts';
import { parseMessage } from '../scanner.ts';
import { calendarItemId } from './icalendar.ts';
import { mayChange, renderMessage, renderedBound } from './render.ts';
import { AS_IT_IS, isAsItIs, type RenderingWish, type TextFormat, wishKey } from './wish.ts';

const message = (...lines: string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1');
const TOP = [
  'Received: by x',
  'From: a@example.org',
  'Subject: =?utf-8?q?=C3=A4?=',
  'X-Other: kept  as it is',
  'DKIM-Signature: a=b;',
  '\tc=d',
];

const PLAIN = message(
  ...TOP,
  'MIME-Version: 1.0',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'Hi <you>',
  '-- ',
  'me',
);
const HTML = message(
  ...TOP,
  'Content-Type: text/html; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  '<p>Viele Gr=C3=BC=C3=9Fe an alle da</p>',
);
const part = (type: string, body: string, ...fields: string[]): string =>
  [`Content-Type: ${type}`, ...fields, '', body].join('\r\n');
const multi = (subtype: string, boundary: string, ...parts: string[]): string =>
  [
    `Content-Type: multipart/${subtype}; boundary=${boundary}`,
    '',
    ...parts.map((one) => `--${boundary}\r\n${one}`),
    `--${boundary}--`,
  ].join('\r\n');
const whole = (body: string): Buffer => message(...TOP, 'MIME-Version: 1.0', body);

const PICTURE = part('image/png', 'iVBORw0KGgo=', 'Content-Transfer-Encoding: base64', 'Content-ID: <p1>');
const FILE = part(
  'text/html; name="page.html"',
  '<p>file</p>',
  'Content-Disposition: attachment; filename="page.html"',
);
const BOTH = whole(multi('alternative', 'b', part('text/plain', 'plain'), part('text/html', '<p>rich</p>')));
const RELATED = whole(
  multi(
    'mixed',
    'm',
    multi(
      'alternative',
      'a',
      part('text/plain', 'plain'),
      multi('related', 'r', part('text/html', '<img src="cid:p1">'), PICTURE),
    ),
    FILE,
  ),
);
const ENRICHED = message(...TOP, 'Content-Type: text/enriched', '', '<bold>Now</bold> and', '', 'then');

const wish = (format: TextFormat): RenderingWish => ({ format, calendarLinkBase: null });
const shape = (bytes: Buffer): string =>
  readParts(parseMessage(bytes).fragment, 0)
    .map(
      (one) => `${one.path.join('.') || '-'} ${one.mediaType}${one.disposition === null ? '' : ` ${one.disposition}`}`,
    )
    .join(', ');

const table: ReadonlyArray<readonly [string, Buffer, TextFormat, string | null]> = [
  ['plain', PLAIN, 'TextOnly', null],
  ['plain', PLAIN, 'HtmlOnly', '- text/html'],
  ['plain', PLAIN, 'HtmlAndTextAlternative', '- multipart/alternative, 1 text/plain, 2 text/html'],
  ['plain', PLAIN, 'TextEnrichedOnly', '- text/enriched'],
  ['plain', PLAIN, 'TextEnrichedAndTextAlternative', '- multipart/alternative, 1 text/plain, 2 text/enriched'],
  ['plain', PLAIN, 'BestBodyFormat', null],
  ['plain', PLAIN, 'Tnef', '- multipart/mixed, 1 text/plain, 2 application/ms-tnef attachment'],
  ['HTML', HTML, 'TextOnly', '- text/plain'],
  ['HTML', HTML, 'HtmlOnly', null],
  ['HTML', HTML, 'HtmlAndTextAlternative', '- multipart/alternative, 1 text/plain, 2 text/html'],
  ['HTML', HTML, 'TextEnrichedOnly', '- text/enriched'],
  ['HTML', HTML, 'BestBodyFormat', null],
  ['both', BOTH, 'TextOnly', '- text/plain'],
  ['both', BOTH, 'HtmlOnly', '- text/html'],
  ['both', BOTH, 'HtmlAndTextAlternative', null],
  ['both', BOTH, 'TextEnrichedAndTextAlternative', '- multipart/alternative, 1 text/plain, 2 text/enriched'],
  ['both', BOTH, 'BestBodyFormat', null],
  [
    'related',
    RELATED,
    'TextOnly',
    '- multipart/mixed, 1 multipart/mixed, 1.1 text/plain, 1.2 image/png, 2 text/html attachment',
  ],
  [
    'related',
    RELATED,
    'HtmlOnly',
    '- multipart/mixed, 1 multipart/related, 1.1 text/html, 1.2 image/png, 2 text/html attachment',
  ],
  ['related', RELATED, 'HtmlAndTextAlternative', null],
  ['related', RELATED, 'Tnef', '- multipart/mixed, 1 text/plain, 2 application/ms-tnef attachment'],
  ['enriched', ENRICHED, 'TextOnly', '- text/plain'],
  ['enriched', ENRICHED, 'HtmlOnly', '- text/html'],
  ['enriched', ENRICHED, 'TextEnrichedOnly', null],
];
describe('formats', () => {
  for (const [name, bytes, format, expected] of table) {
    test(`${name} as ${format}`, () => {
      const rendered = renderMessage(bytes, wish(format));
      assert.equal(rendered === null ? null : shape(rendered.bytes), expected);
      assert.equal(mayChange(readParts(parseMessage(bytes).fragment, 0), wish(format)) || rendered === null, true);
      if (rendered === null) return;
      assert.deepEqual(renderMessage(bytes, wish(format))?.bytes, rendered.bytes, 'the same bytes each time');
      assert.deepEqual(
        renderMessage(rendered.bytes, wish(format))?.bytes ?? rendered.bytes,
        rendered.bytes,
        'idempotent',
      );
      assert.ok(rendered.bytes.toString('latin1').startsWith(TOP.join('\r\n')), 'top fields stay, byte for byte');
    });
  }

  test('HTML to text, and the part that is there is kept byte for byte', () => {
    assert.match(
      renderMessage(HTML, wish('TextOnly'))?.bytes.toString('latin1') ?? '',
      /\r\n\r\nViele Gr=C3=BC=C3=9Fe an alle da\r\n$/,
    );
    assert.match(
      renderMessage(BOTH, wish('HtmlOnly'))?.bytes.toString('latin1') ?? '',
      /Content-Type: text\/html\r\n\r\n<p>rich<\/p>\r\n$/,
    );
    const alternative = renderMessage(HTML, wish('HtmlAndTextAlternative'))?.bytes.toString('latin1') ?? '';
    assert.match(alternative, /quoted-printable\r\n\r\n<p>Viele Gr=C3=BC=C3=9Fe an alle da<\/p>\r\n\r\n--=_/);
  });

  test('attachments and pictures keep their bytes', () => {
    for (const format of ['TextOnly', 'HtmlOnly', 'TextEnrichedOnly'] as const) {
      const text = renderMessage(RELATED, wish(format))?.bytes.toString('latin1') ?? '';
      assert.ok(text.includes(PICTURE) && text.includes(FILE), format);
    }
  });

  test('an alternative that is only in the calendar stays an alternative', () => {
    const invitation = whole(
      multi(
        'alternative',
        'b',
        part('text/html', '<p>x</p>'),
        part('text/calendar; method=REQUEST', 'BEGIN:VCALENDAR'),
      ),
    );
    const rendered = renderMessage(invitation, wish('TextOnly'));
    assert.equal(rendered && shape(rendered.bytes), '- multipart/alternative, 1 text/plain, 2 text/calendar');
  });

  test('octets above 127 in a kept part are announced', () => {
    const bytes = whole(
      multi(
        'alternative',
        'b',
        part('text/plain; charset=latin1', '\xe9', 'Content-Transfer-Encoding: 8bit'),
        part('text/html', 'x'),
      ),
    );
    const rendered = renderMessage(bytes, wish('TextEnrichedAndTextAlternative'))?.bytes.toString('latin1') ?? '';
    assert.match(rendered, /boundary="=_1_[0-9a-f]{24}"\r\nContent-Transfer-Encoding: 8bit\r\n/);
  });
});

describe('served as it is', () => {
  const protectedMessages: ReadonlyArray<readonly [string, Buffer]> = [
    [
      'multipart/signed',
      whole(multi('signed; micalg=sha256', 's', part('text/plain', 'x'), part('application/pgp-signature', 'y'))),
    ],
    [
      'multipart/encrypted',
      whole(
        multi('encrypted', 's', part('application/pgp-encrypted', 'Version: 1'), part('application/octet-stream', 'y')),
      ),
    ],
    [
      'a signed part inside',
      whole(
        multi(
          'mixed',
          'm',
          multi('signed', 's', part('text/plain', 'x'), part('application/pkcs7-signature', 'y')),
          part('text/plain', 'footer'),
        ),
      ),
    ],
    [
      'application/pkcs7-mime',
      message(
        'Content-Type: application/pkcs7-mime; smime-type=signed-data',
        'Content-Transfer-Encoding: base64',
        '',
        'MIIB',
      ),
    ],
    ['inline PGP', message('', '-----BEGIN PGP SIGNED MESSAGE-----', 'x')],
    [
      'inline PGP in base64',
      message(
        'Content-Transfer-Encoding: base64',
        '',
        Buffer.from('-----BEGIN PGP MESSAGE-----\r\n').toString('base64'),
      ),
    ],
    ['more text than RENDERED_TEXT_BYTES', message('', 'x'.repeat(RENDERED_TEXT_BYTES + 1))],
    ['more than RENDERED_MESSAGE_BYTES', Buffer.concat([message('', 'x'), Buffer.alloc(RENDERED_MESSAGE_BYTES, 32)])],
    ['nested too deeply', whole(nested(80))],
    [
      'more parts than there may be',
      whole(multi('mixed', 'x', ...Array.from({ length: 2100 }, () => part('text/plain', 'y')))),
    ],
    ['a header beyond HEADER_BYTES', message(`X: ${'y'.repeat(1_100_000)}`, '', 'x')],
  ];
  function nested(depth: number): string {
    return depth === 0 ? part('text/plain', 'x') : multi('mixed', `b${depth}x`, nested(depth - 1));
  }
  for (const [name, bytes] of protectedMessages) {
    test(name, () => {
      for (const format of ['HtmlOnly', 'TextEnrichedOnly', 'Tnef'] as const)
        assert.equal(renderMessage(bytes, wish(format)), null, format);
    });
  }

  test('a file of text, a digest, an enclosed message', () => {
    for (const body of [
      part('text/plain; name=a.txt', 'x'),
      multi('digest', 'd', 'Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny'),
      part('message/rfc822', 'Content-Type: text/html\r\n\r\n<p>x</p>'),
    ]) {
      assert.equal(renderMessage(whole(body), wish('HtmlAndTextAlternative')), null);
    }
  });

  test('what would grow beyond RENDERED_GROWTH and RENDERED_GROWTH_BYTES', () => {
    assert.equal(renderedBound(100, 2), 100 * RENDERED_GROWTH + 2 * RENDERED_GROWTH_BYTES);
    const grows = message('Content-Type: text/html', '', '<ul>'.repeat(50), '<li>'.repeat(20_000));
    const rendered = renderMessage(grows, wish('HtmlAndTextAlternative'));
    assert.ok(rendered === null || rendered.bytes.length <= renderedBound(grows.length, 1));
  });
});

describe('meetings', () => {
  const ics = [
    'BEGIN:VCALENDAR',
    'METHOD:REQUEST',
    'BEGIN:VEVENT',
    'UID:u-1',
    'SUMMARY:Lunch',
    'DTSTART:20261123T120000Z',
    'LOCATION:Here',
    'END:VEVENT',
    'END:VCALENDAR',
  ].join('\r\n');
  const link = `https://mail.example.com/owa/calendar/item/${calendarItemId('u-1', null)}`;
  const linked = (bytes: Buffer, base = 'https://mail.example.com/owa/'): string =>
    renderMessage(bytes, { format: 'BestBodyFormat', calendarLinkBase: base })?.bytes.toString('latin1') ?? '';
  const calendar = part('text/calendar; method=REQUEST; charset=utf-8', ics);
  const html = part('text/html', '<html><body><p>Lunch?</p></BODY></html>');

  test('the calendar goes, the link comes into text and HTML', () => {
    const bytes = whole(
      multi(
        'mixed',
        'm',
        multi('alternative', 'b', part('text/plain', 'Lunch?'), html, calendar),
        part('application/ics; name=invite.ics', ics),
      ),
    );
    const out = linked(bytes);
    assert.equal(
      shape(Buffer.from(out, 'latin1')),
      '- multipart/mixed, 1 multipart/alternative, 1.1 text/plain, 1.2 text/html, 2 application/ics',
    );
    assert.ok(out.includes(`Lunch?\r\n\r\nOpen this meeting in your web mail: ${link}\r\n`));
    assert.ok(out.includes(`<a href="${link}">${link}</a></p>\r\n</BODY>`));
    assert.equal(
      renderMessage(Buffer.from(out, 'latin1'), { format: 'BestBodyFormat', calendarLinkBase: 'https://x' }),
      null,
    );
  });

  test('iCalendar leaves it alone', () => {
    const bytes = whole(multi('alternative', 'b', html, calendar));
    assert.equal(renderMessage(bytes, AS_IT_IS), null);
  });

  test('an alternative of two becomes what is left', () => {
    assert.equal(shape(Buffer.from(linked(whole(multi('alternative', 'b', html, calendar))), 'latin1')), '- text/html');
  });

  test('a calendar alone becomes a text that says what it is', () => {
    const out = linked(whole(calendar));
    assert.match(out, /\r\n\r\nLunch\r\nWhen: 2026-11-23 12:00 \(UTC\)\r\nWhere: Here\r\n\r\nOpen this meeting/);
    const beside = linked(whole(multi('mixed', 'm', calendar, PICTURE)));
    assert.equal(shape(Buffer.from(beside, 'latin1')), '- multipart/mixed, 1 text/plain, 2 image/png');
  });

  test('only scheduling messages are meetings', () => {
    const event = part('text/calendar', ics.replace('METHOD:REQUEST\r\n', ''));
    assert.equal(linked(whole(multi('mixed', 'm', part('text/plain', 'x'), event))), '');
  });

  test('an occurrence has a link of its own, and a base cannot break out of the HTML', () => {
    const one = ics.replace('UID:u-1', 'UID:u-1\r\nRECURRENCE-ID:20261123T120000Z');
    const out = linked(
      whole(multi('alternative', 'b', html, part('text/calendar; method=CANCEL', one))),
      'https://x/"><script>',
    );
    assert.ok(out.includes(calendarItemId('u-1', ':20261123T120000Z')));
    assert.ok(!out.includes('<script>'));
  });

  test('text in a charset that is not made of ASCII', () => {
    const utf16 = Buffer.from('Mittag', 'utf16le').toString('base64');
    const out = linked(
      whole(
        multi(
          'alternative',
          'b',
          part('text/plain; charset=utf-16le', utf16, 'Content-Transfer-Encoding: base64'),
          calendar,
        ),
      ),
    );
    assert.ok(out.includes('Mittag\r\n\r\nOpen this meeting'));
  });

  test('with a format, too', () => {
    const bytes = whole(multi('alternative', 'b', html, calendar));
    const both: RenderingWish = { format: 'TextOnly', calendarLinkBase: 'https://mail.example.com/owa' };
    const out = renderMessage(bytes, both);
    assert.equal(out && shape(out.bytes), '- text/plain');
    assert.ok(out?.bytes.includes(link));
    assert.equal(renderMessage(out?.bytes ?? bytes, both), null);
  });
});

test('wishes', () => {
  assert.ok(isAsItIs(AS_IT_IS));
  assert.ok(!isAsItIs(wish('TextOnly')) && !isAsItIs({ ...AS_IT_IS, calendarLinkBase: 'https://x' }));
  assert.notEqual(wishKey(wish('TextOnly')), wishKey({ format: 'TextOnly', calendarLinkBase: 'https://x' }));
});
