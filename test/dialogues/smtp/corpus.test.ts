/**
 * Real mail through the whole of this layer: every corpus message that SMTP can carry goes in by DATA or BDAT and comes
 * out by POP3 with the same bytes behind the trace fields.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { silentLog } from '../../../src/observe/log.ts';
import { createPop3Session } from '../../../src/pop3/session.ts';
import { openMemoryDatabase } from '../../../src/store/engine/memory/index.ts';
import { Connection } from '../../../src/wire/connection.ts';
import { corpusMessages, corpusMissing } from '../../support/corpus.ts';
import { connected } from '../../support/dialogue.ts';
import { Pop3Client } from '../pop3/client.ts';
import { SmtpClient } from './client.ts';
import { openSmtpStage } from './stage.ts';

const CONNECTIONS = 4;
/** Every n-th message, to stay within the time of a unit test; the import tests take all. */
const STEP = 4;
/** Exactly our fields: a message may begin with a line that looks like their continuation. */
const TRACE =
  /^Return-Path: <x(\d+)@sender\.example>\r\nReceived: from [^\r]+\r\n by [^\r]+\r\n for [^\r]+;\r\n [^\r]+\r\n/;

/** With CRLF at each line's end; null: a bare CR, which SMTP refuses. */
function asLines(bytes: Buffer): Buffer | null {
  const text = bytes.toString('latin1').replace(/(?<!\r)\n/g, '\r\n');
  if (/\r(?!\n)/.test(text)) return null;
  return Buffer.from(text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`, 'latin1');
}

const stuffed = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('latin1').replace(/(^|\n)\./g, '$1..'), 'latin1');

test('corpus mail goes in by SMTP and comes out by POP3 unchanged', { skip: corpusMissing() }, async (context) => {
  const database = openMemoryDatabase();
  const stage = await openSmtpStage(database, 'inbound', { maxHopCount: 500, maxHeaderSize: 1024 * 1024 });
  context.after(async () => {
    stage.drain.abort();
    await stage.close();
  });
  const sent: Buffer[] = [];
  let position = 0;
  for (const { bytes } of corpusMessages()) {
    position += 1;
    const lines = position % STEP === 0 ? asLines(bytes) : null;
    if (lines !== null) sent.push(lines);
  }
  assert.ok(sent.length > 500);

  const feed = async (first: number): Promise<void> => {
    const client = await SmtpClient.greeted(await stage.connect());
    for (let index = first; index < sent.length; index += CONNECTIONS) {
      const content = sent[index]!;
      const from = `x${index}@sender.example`;
      if (index % 2 === 0) {
        assert.match(await client.transfer(from, ['ann@example.org'], stuffed(content)), /^250 /, `message ${index}`);
        continue;
      }
      client.send(`MAIL FROM:<${from}>\r\nRCPT TO:<ann@example.org>\r\nBDAT ${content.length} LAST\r\n`);
      client.send(content);
      await client.reply();
      await client.reply();
      assert.match(await client.reply(), /^250 /, `message ${index}`);
    }
    client.hangUp();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, first) => feed(first)));
  assert.deepEqual(stage.errors, []);

  const account = await stage.directory.accountByLogonName('ann');
  assert.ok(account !== null && account.mailbox !== null);
  const mailbox = await database.open(account.mailbox.id);
  const session = await createPop3Session({
    // With UTF8 a message comes as it is, whatever its header holds (RFC 6856 §2.1).
    handOver: { tls: null, pop3: { utf8: true, language: null, password: true } },
    mailbox,
    settings: () => ({
      authenticatedConnectionTimeout: 60,
      loginDelay: 0,
      maxCommandSize: 512,
      messageRetrievalSortOrder: 'Ascending',
    }),
    log: silentLog,
  });
  const server = net.createServer((socket) => void session.run(new Connection(socket)));
  server.listen(0, '127.0.0.1');
  context.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address !== 'string');
  const client = new Pop3Client(await connected(net.connect(address.port, '127.0.0.1')));
  context.after(() => client.hangUp());
  client.send(sent.map((_, index) => `RETR ${index + 1}\r\n`).join(''));
  const missing = new Set(sent.keys());
  for (let number = 1; number <= sent.length; number += 1) {
    const message = await client.multiLineReply();
    const trace = TRACE.exec(message.toString('latin1', 0, 2000));
    assert.ok(trace !== null, message.toString('latin1', 0, 400));
    const index = Number(trace[1]);
    assert.ok(missing.delete(index), `message ${index} came twice`);
    assert.deepEqual(message.subarray(trace[0].length), sent[index], `message ${index} changed`);
  }
  assert.equal(missing.size, 0);
  assert.equal(await client.command('QUIT'), '+OK bye');
});
