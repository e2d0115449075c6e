/**
 * Fuzz target: what other servers send us: replies, capabilities, attributes of XCLIENT and XFORWARD on any bytes.
 * What is read can be written and reads back the same; nothing that is written can end a line.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { ProtocolViolation } from '../src/observe/failure.ts';
import { parseAttributes, printAttributes } from '../src/smtp/grammar/attributes.ts';
import { parseCapabilities } from '../src/smtp/grammar/capabilities.ts';
import { DotStuffer } from '../src/smtp/grammar/dot-stuffing.ts';
import { parseForwarded, printForwarded } from '../src/smtp/grammar/forwarded.ts';
import { parseIdentity, proxiedIdentity, parseProxied, printProxied } from '../src/smtp/grammar/proxied-client.ts';
import { ReplyParser } from '../src/smtp/grammar/reply-parser.ts';
import { DataDecoder } from '../src/smtp/server/data-reader.ts';
import { SMTP_COMMAND_LINE_BYTES, SMTP_REPLY_LINES } from '../src/wire/limits.ts';

export const name = 'smtp-replies';

export function seeds(): Buffer[] {
  return [
    '220 mail.example ESMTP\r\n250-mail.example\r\n250-SIZE 1000\r\n250-AUTH PLAIN\r\n250 CHUNKING\r\n',
    '550-5.1.1 first\r\n550 5.1.1 second\r\n250\r\n354 go\r\n421 4.3.2 bye\r\n',
    'IDENT=0011223344556677-1 ADDR=192.0.2.1 NAME=client.example SUBJECT=J+C3+BCrgen+20x',
    'IDENT=0011223344556677-1 RECEIVED=1790000000000 PREFIX=12 QUOTA=IGNORE ADDR=::1 LOGON=YES MESSAGEID=<a@b>',
    'SESSION=0011223344556677 ADDR=192.0.2.1 PORT=25 HELO=x CONNECTOR=c-1 TLS=TLSv1.3 CIPHER=X SNI=mail.example',
    '.a\r\n..\r\n\r\n.\r\n',
  ].map((seed) => Buffer.from(seed, 'latin1'));
}

export function run(input: Buffer): void {
  replies(input);
  attributes(input);
  facts(input.toString('latin1'));
  stuffing(input);
}

function replies(input: Buffer): void {
  const parser = new ReplyParser();
  for (let from = 0; from < input.length; ) {
    const lf = input.indexOf(10, from);
    const end = lf < 0 ? input.length : lf + 1;
    try {
      const reply = parser.push(input.subarray(from, end));
      if (reply !== null) {
        assert.ok(reply.code >= 200 && reply.code < 560);
        assert.ok(reply.lines.length > 0 && reply.lines.length <= SMTP_REPLY_LINES);
        assert.ok(reply.enhanced === null || Number(reply.enhanced[0]) === Math.floor(reply.code / 100));
        parseCapabilities(reply);
      }
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      return;
    }
    from = end;
  }
}

function attributes(input: Buffer): void {
  const parsed = parseAttributes(input.toString('latin1'));
  if (parsed.kind === 'bad') return;
  const text = printAttributes(parsed.attributes);
  assert.match(text, /^[ -~]*$/);
  assert.deepEqual(parseAttributes(text), parsed);
}

function facts(text: string): void {
  const forwarded = parseForwarded(text);
  if (forwarded.kind === 'ok') {
    const line = printForwarded(forwarded.facts);
    assert.ok(
      Buffer.byteLength(line) + 2 <= SMTP_COMMAND_LINE_BYTES ||
        (forwarded.facts.origin?.clientAddress ?? '').length > 100,
    );
    assert.equal(parseForwarded(line.slice('XFORWARD'.length)).kind, 'ok');
  }
  const proxied = parseProxied(text);
  if (proxied.kind === 'ok')
    assert.deepEqual(parseProxied(printProxied(proxied.facts).slice('XCLIENT'.length)), proxied);
  const identity = parseIdentity(text);
  if (identity !== null) assert.equal(proxiedIdentity(identity.account, identity.mailbox, identity.appPassword), text);
}

function stuffing(input: Buffer): void {
  const stuffer = new DotStuffer();
  let wire: Buffer;
  try {
    wire = Buffer.concat([...stuffer.push(input), Buffer.from(stuffer.end())]);
  } catch (error) {
    assert.ok(error instanceof ProtocolViolation);
    assert.match(input.toString('latin1'), /\r(?!\n)|(?<!\r)\n/);
    return;
  }
  const sent = input.toString('latin1');
  const decoded = new DataDecoder().decode(wire);
  assert.equal(decoded.consumed, wire.length);
  assert.equal(decoded.content.toString('latin1'), sent === '' || sent.endsWith('\n') ? sent : `${sent}\r\n`);
}
