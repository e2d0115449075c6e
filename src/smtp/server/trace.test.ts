import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RateLimiter } from './rate-limit.ts';
import { mailDate, receivedField, returnPathField, type TraceFacts } from './trace.ts';

const facts: TraceFacts = {
  greeting: 'EHLO',
  clientName: 'client.example.org',
  clientAddress: '192.0.2.7',
  serverName: 'mail.example.com',
  authenticated: false,
  tlsCipher: null,
  smtpUtf8: false,
  id: '0123456789abcdef-1',
  recipient: null,
  at: Date.UTC(2026, 0, 5, 7, 8, 9),
};

describe('receivedField', () => {
  it('names who, by whom, how, for whom, when (RFC 5321 §4.4)', () => {
    assert.equal(
      receivedField({
        ...facts,
        recipient: 'ann@example.com',
        tlsCipher: 'TLS_AES_256_GCM_SHA384',
        authenticated: true,
      }),
      'Received: from client.example.org ([192.0.2.7])\r\n by mail.example.com with ESMTPSA id 0123456789abcdef-1\r\n' +
        ' for <ann@example.com>\r\n tls TLS_AES_256_GCM_SHA384;\r\n Mon, 05 Jan 2026 07:08:09 +0000\r\n',
    );
  });
  const names = [
    [{}, 'ESMTP'],
    [{ greeting: 'HELO' }, 'SMTP'],
    [{ tlsCipher: 'X' }, 'ESMTPS'],
    [{ authenticated: true }, 'ESMTPA'],
    [{ authenticated: true, tlsCipher: 'X' }, 'ESMTPSA'],
    [{ smtpUtf8: true }, 'UTF8SMTP'],
    [{ smtpUtf8: true, authenticated: true, tlsCipher: 'X' }, 'UTF8SMTPSA'],
  ] as const;
  for (const [change, name] of names) {
    it(name, () => assert.ok(receivedField({ ...facts, ...change }).includes(` with ${name} id `)));
  }
  it('uses the address where the name is none', () => {
    assert.match(receivedField({ ...facts, clientName: '[::' }), /^Received: from \[192\.0\.2\.7\]\r\n/);
    assert.match(receivedField({ ...facts, clientAddress: 'fe80::1%eth0' }), /\(\[IPv6:fe80::1\]\)/);
  });
});

it('writes Return-Path and dates', () => {
  assert.equal(returnPathField(''), 'Return-Path: <>\r\n');
  assert.equal(mailDate(0), 'Thu, 01 Jan 1970 00:00:00 +0000');
});

describe('RateLimiter', () => {
  it('allows so many in a minute and names the wait', () => {
    const rates = new RateLimiter();
    for (let i = 0; i < 5; i += 1) assert.equal(rates.take('ann', 5, 1000 + i), 0);
    assert.equal(rates.take('ann', 5, 31_000), 30);
    assert.equal(rates.take('bob', 5, 31_000), 0);
    assert.equal(rates.take('ann', 5, 60_999), 1);
    assert.equal(rates.take('ann', 5, 61_000), 0);
  });
});
