/** Email/get of everything for each message of the corpus: never an error, and the bytes stay the original. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { corpusMessages, corpusMissing } from '../../../../test/support/corpus.ts';
import { listOf, objectOf, TestAccount } from '../../../../test/support/jmap-account.ts';
import { mailMethods } from './methods.ts';

const EVERYTHING = [
  'id',
  'blobId',
  'threadId',
  'mailboxIds',
  'keywords',
  'size',
  'receivedAt',
  'hasAttachment',
  'preview',
  'messageId',
  'inReplyTo',
  'references',
  'sender',
  'from',
  'to',
  'cc',
  'bcc',
  'replyTo',
  'subject',
  'sentAt',
  'headers',
  'bodyStructure',
  'bodyValues',
  'textBody',
  'htmlBody',
  'attachments',
  'header:From:asGroupedAddresses',
  'header:Received:all',
  'header:X-Any:asText',
  'header:List-Post:asURLs',
];
const OF_PARTS = [
  'partId',
  'blobId',
  'size',
  'headers',
  'name',
  'type',
  'charset',
  'disposition',
  'cid',
  'language',
  'location',
];

/** One of so many: all kinds are among them, and the test takes seconds. */
const EVERY = 20;

test('corpus messages of all kinds can be shown whole', { skip: corpusMissing() }, async () => {
  const account = await TestAccount.open(mailMethods);
  try {
    let count = 0;
    for (const { name, bytes } of corpusMessages()) {
      count += 1;
      if (count % EVERY !== 0) continue;
      const id = await account.add(bytes);
      const answer = await account.call('Email/get', {
        ids: [id],
        properties: EVERYTHING,
        bodyProperties: OF_PARTS,
        fetchAllBodyValues: true,
      });
      const [email] = listOf(answer);
      assert.ok(email, `${name}: ${JSON.stringify(answer).slice(0, 300)}`);
      assert.deepEqual(Object.keys(email).toSorted(), EVERYTHING.toSorted(), name);
      for (const value of Object.values(objectOf(email['bodyValues'])))
        assert.equal(typeof objectOf(value)['value'], 'string', name);
      const stored = await account.bytes(id);
      assert.equal(email['size'], stored.length, name);
      // A bare LF became CRLF when it came in; nothing else may differ.
      if (!/(^|[^\r])\n/.test(bytes.toString('latin1'))) assert.ok(stored.equals(Buffer.from(bytes)), name);
    }
    assert.ok(count > 50 * EVERY, `${count} messages`);
  } finally {
    await account.close();
  }
});
