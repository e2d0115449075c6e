import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { asksForReceipt, headerOctets, readReceipt, receiptFor } from './mdn.ts';
import { readParts } from './fragment.ts';
import { parseMessage } from './scanner.ts';

const AT = Date.UTC(2026, 10, 23, 9, 0, 0) / 1000;
const DATE = 'Mon, 23 Nov 2026 09:00:00 +0000';

interface Message {
  returnPath?: string | null;
  received?: string | null;
  notifyTo?: string | null;
  more?: string;
  internalDate?: number;
  saveDate?: number;
}

function decide(message: Message = {}): ReturnType<typeof receiptFor> {
  const {
    returnPath = '<ann@elsewhere.example>',
    received = `from x ([192.0.2.1])\r\n by mail.example.test with ESMTP id 1-1;\r\n ${DATE}`,
    notifyTo = 'Ann <ann@ELSEWHERE.example>',
    more = '',
  } = message;
  const header =
    (returnPath === null ? '' : `Return-Path: ${returnPath}\r\n`) +
    (received === null ? '' : `Received: ${received}\r\n`) +
    (notifyTo === null ? '' : `Disposition-Notification-To: ${notifyTo}\r\n`) +
    `${more}Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@elsewhere.example>\r\n\r\n`;
  return receiptFor({
    header: Buffer.from(header, 'utf8'),
    internalDate: message.internalDate ?? AT,
    saveDate: message.saveDate ?? AT,
    owner: ['bob@example.test'],
    isOwnHost: (name) => name === 'mail.example.test',
  });
}

describe('receiptFor (RFC 8098 §2.1)', () => {
  it('sends to the one who asked and sent it', () => {
    assert.deepEqual(decide(), {
      wanted: true,
      request: {
        localPart: 'ann',
        domain: 'ELSEWHERE.example',
        messageId: '<1@elsewhere.example>',
        originalRecipient: null,
        subject: 'Grüße',
      },
    });
  });

  const refused: ReadonlyArray<readonly [why: RegExp, message: Message]> = [
    [/nobody asked/, { notifyTo: null }],
    [/asked twice/, { more: 'Disposition-Notification-To: bob@elsewhere.example\r\n' }],
    [/no address/, { notifyTo: '' }],
    [/several/, { notifyTo: 'ann@elsewhere.example, bob@elsewhere.example' }],
    [/no Return-Path/, { returnPath: null }],
    [/null path/, { returnPath: '<>' }],
    [/another/, { returnPath: '<eve@elsewhere.example>' }],
    [/another/, { returnPath: '<ANN@elsewhere.example>' }],
    [/report/, { more: 'Content-Type: multipart/report; report-type=disposition-notification\r\n' }],
    [/list/, { more: 'List-Id: <x.example>\r\n' }],
    [/list/, { more: 'list-unsubscribe: <mailto:x@x.example>\r\n' }],
    [/bulk/, { more: 'Precedence: bulk\r\n' }],
    [/program/, { more: 'Auto-Submitted: auto-generated\r\n' }],
    [/required/, { more: 'Disposition-Notification-Options: x=required,1\r\n' }],
    [/delivered here/, { received: null }],
    [/delivered here/, { received: `from a by other.example id 1; ${DATE}` }],
    [/delivered here/, { internalDate: AT + 3600 }],
    [/delivered here/, { saveDate: AT + 86_400 }],
    [/delivered here/, { received: 'from a by mail.example.test id 1; never' }],
    [/delivered here/, { received: `from a by mail.example.test id 1 for <carol@example.test>; ${DATE}` }],
  ];
  for (const [why, message] of refused) {
    it(`refuses: ${why.source} ${JSON.stringify(message)}`, () => {
      const decision = decide(message);
      assert.ok(!decision.wanted);
      assert.match(decision.why, why);
    });
  }

  for (const message of [
    { more: 'Auto-Submitted: no\r\n' },
    { more: 'Disposition-Notification-Options: x=optional,1\r\n' },
    { notifyTo: 'ann@elsewhere.example, Ann <ann@elsewhere.example>' },
    { saveDate: AT + 600 },
    { received: `from a by mail.example.test id 1\r\n for <Bob@example.test>;\r\n ${DATE}` },
    { returnPath: '<@relay.example:ann@elsewhere.example>' },
  ]) {
    it(`sends: ${JSON.stringify(message)}`, () => assert.ok(decide(message).wanted));
  }

  it('carries Original-Recipient over', () => {
    const decision = decide({ more: 'Original-Recipient: rfc822;sales@example.test\r\n' });
    assert.ok(decision.wanted);
    assert.equal(decision.request.originalRecipient, 'rfc822;sales@example.test');
  });
});

describe('whatever the octets', () => {
  it('receiptFor and readReceipt never throw, and a receipt has the fields it was given', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.constantFrom('<a@b.example>', 'a@b', '"x y"@b', '<>'),
    );
    fc.assert(
      fc.property(value, value, value, value, (to, path, subject, more) => {
        const header = Buffer.from(
          `Return-Path: ${path}\r\nReceived: by mail.example.test id 1; ${DATE}\r\nDisposition-Notification-To: ${to}\r\nSubject: ${subject}\r\nX: ${more}\r\n\r\n`,
          'utf8',
        );
        const decision = receiptFor({ header, internalDate: AT, saveDate: AT, owner: [], isOwnHost: () => true });
        if (!decision.wanted) return;
        const receipt = readReceipt({
          request: decision.request,
          recipient: { displayName: more, address: 'bob@example.test' },
          reportingHost: 'mail.example.test',
          id: '2@mail.example.test',
          at: AT * 1000,
        });
        const names = receipt.toString('latin1', 0, headerOctets(receipt)).split(/\r\n(?![ \t])/);
        assert.deepEqual(
          names.filter(
            (line) =>
              line !== '' &&
              !/^(From|To|Subject|Date|Message-ID|Auto-Submitted|MIME-Version|Content-Type): /.test(line),
          ),
          [],
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe('asksForReceipt', () => {
  for (const [message, asks] of [
    ['Disposition-Notification-To: a@b\r\n\r\n', true],
    ['A: b\r\ndisposition-notification-to : a@b\r\n\r\nx', true],
    ['DISPOSITION-NOTIFICATION-TO: a@b\r\n\r\n', true],
    ['A: b\r\n\r\nDisposition-Notification-To: a@b\r\n', false],
    ['X-Disposition-Notification-To: a@b\r\n\r\n', false],
    ['\r\nDisposition-Notification-To: a@b\r\n', false],
    ['', false],
  ] as const) {
    it(JSON.stringify(message), () => {
      assert.equal(asksForReceipt(Buffer.from(message)), asks);
      assert.ok(headerOctets(Buffer.from(message)) <= message.length || message === '');
    });
  }
});

describe('readReceipt (RFC 8098 §3)', () => {
  const request = {
    localPart: 'ann',
    domain: 'elsewhere.example',
    messageId: '<1@elsewhere.example>',
    originalRecipient: 'rfc822;sales@example.test',
    subject: 'Grüße',
  };
  const facts = {
    request,
    recipient: { displayName: 'Bob "B." Brown', address: 'bob@example.test' },
    reportingHost: 'mail.example.test',
    id: '2@mail.example.test',
    at: AT * 1000,
  };

  it('is a multipart/report of two parts', () => {
    const bytes = readReceipt(facts);
    const text = bytes.toString('utf8');
    for (const line of [
      'From: "Bob \\"B.\\" Brown" <bob@example.test>',
      'To: <ann@elsewhere.example>',
      'Subject: =?UTF-8?B?UmVhZDogR3LDvMOfZQ==?=',
      `Date: ${DATE}`,
      'Message-ID: <2@mail.example.test>',
      'In-Reply-To: <1@elsewhere.example>',
      'Auto-Submitted: auto-replied',
      'Reporting-UA: mail.example.test; Penfold',
      'Original-Recipient: rfc822;sales@example.test',
      'Final-Recipient: rfc822;bob@example.test',
      'Original-Message-ID: <1@elsewhere.example>',
      'Disposition: automatic-action/MDN-sent-automatically; displayed',
    ]) {
      assert.ok(text.includes(`${line}\r\n`), line);
    }
    assert.ok(!/disposition-notification-to/i.test(text), 'a receipt never asks for one');
    assert.ok(text.split('\r\n').every((line) => !line.includes('\n') && Buffer.byteLength(line) <= 998));
    const parts = readParts(parseMessage(bytes).fragment, 0);
    assert.deepEqual(
      parts.map((part) => part.mediaType),
      ['multipart/report', 'text/plain', 'message/disposition-notification'],
    );
  });

  it('takes the global forms for addresses in UTF-8 (RFC 6533 §4)', () => {
    const text = readReceipt({ ...facts, recipient: { displayName: 'Zoë', address: 'zoë@example.test' } }).toString();
    assert.match(text, /^Content-Type: message\/global-disposition-notification\r$/m);
    assert.match(text, /^Final-Recipient: utf-8;zoë@example\.test\r$/m);
    assert.match(text, /^From: =\?UTF-8\?B\?Wm\/Dqw==\?= <zoë@example\.test>\r$/m);
  });
});
