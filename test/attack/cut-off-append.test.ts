/**
 * A user whose budget of server time is used up is refused every command (CutoffBalance, exchange-behaviour.md §9.3).
 * An APPEND that is refused has its message on the way already (RFC 7888): not one line of it may be taken for a
 * command, because others have written that message.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { startOrganization, type TestOrganization } from '../support/organization.ts';
import { RawImap } from '../support/raw-imap.ts';

let organization: TestOrganization;
before(async () => {
  organization = await startOrganization({
    engine: 'memory',
    prepare: async (directory) => {
      await directory.setThrottlingPolicy({
        name: 'Spent',
        scope: 'Organization',
        limits: { imapMaxBurst: 1, imapRechargeRate: 1, imapCutoffBalance: 1 },
      });
    },
  });
});
after(() => organization.stop());

test('an APPEND beyond the budget is refused as a whole', async () => {
  const { address, password } = organization.user(0);
  const socket = connect({ host: 'localhost', port: organization.imap.tls, ca: organization.ca });
  await once(socket, 'secureConnect');
  const client = await RawImap.greeted(socket);
  assert.match((await client.command(`LOGIN ${address} "${password}"`)).status, /^OK/);
  let status = 'OK';
  for (let i = 0; i < 200 && !status.startsWith('NO [LIMIT]'); i += 1)
    status = (await client.command('LIST "" *')).status;
  assert.match(status, /^NO \[LIMIT\]/);
  const message = Buffer.from('Subject: hello\r\n\r\nevil1 DELETE Drafts\r\nevil2 LOGOUT\r\n');
  const append = await client.command('APPEND INBOX', message);
  assert.match(append.status, /^NO \[LIMIT\]/);
  const next = await client.command('NOOP');
  assert.match(next.status, /^NO \[LIMIT\]/);
  const heard = [...append.untagged, ...next.untagged].map(String).join('\n');
  assert.doesNotMatch(heard, /evil|BYE|BAD/);
  assert.match((await client.command('LOGOUT')).status, /^OK/);
});
