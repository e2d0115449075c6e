import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountId } from '../directory/model.ts';
import type { Log } from '../observe/log.ts';
import { silentLog } from '../observe/log.ts';
import { mailboxId } from '../store/model.ts';
import { SessionLog } from './session-log.ts';
import { type Listed, type LiveSession, SessionRegistry } from './sessions.ts';

const facts = (id: string, mailbox = 'box'): LiveSession => ({
  id,
  protocol: 'imap',
  account: accountId('ann'),
  appPassword: null,
  delegate: accountId('ann'),
  user: 'ann@example.test',
  mailbox: mailboxId(mailbox),
  clientAddress: '192.0.2.1',
  frontEnd: null,
  tls: null,
  clientId: new Map(),
  since: 0,
});

function listed(id: string, stop: AbortSignal, ended: string[], mailbox?: string): Listed {
  return { facts: facts(id, mailbox), stop, end: () => ended.push(id) };
}

test('a front end that stops ends its own sessions, also one that comes late', () => {
  const [imap, pop] = [new AbortController(), new AbortController()];
  const registry = new SessionRegistry();
  const ended: string[] = [];
  for (const id of ['a', 'b']) registry.add(listed(id, imap.signal, ended));
  registry.add(listed('c', pop.signal, ended));
  const gone = listed('d', imap.signal, ended);
  registry.add(gone);
  registry.remove(gone);
  imap.abort();
  assert.deepEqual(ended, ['a', 'b']);
  registry.add(listed('e', imap.signal, ended));
  assert.deepEqual(ended, ['a', 'b', 'e']);
});

test('the list, the sessions of a mailbox and the end of all', async () => {
  const { signal } = new AbortController();
  const registry = new SessionRegistry();
  const ended: string[] = [];
  const entries = [listed('a', signal, ended), listed('b', signal, ended), listed('c', signal, ended, 'other')];
  for (const entry of entries) registry.add(entry);
  assert.deepEqual(
    registry.list().map((session) => session.id),
    ['a', 'b', 'c'],
  );
  assert.equal(registry.openSessions(mailboxId('box')), 2);
  assert.equal(
    registry.end((session) => session.id === 'b'),
    1,
  );
  assert.deepEqual(ended, ['b']);
  const empty = registry.empty();
  for (const entry of [...entries, ...entries]) registry.remove(entry);
  await empty;
  assert.equal(registry.openSessions(mailboxId('box')), 0);
});

test('every line of a session names it', () => {
  const lines: object[] = [];
  const log: Log = {
    ...silentLog,
    child: (bound) => ({ ...silentLog, info: (fields, text) => lines.push({ ...bound, ...fields, text }) }),
  };
  new SessionLog(log, facts('0123456789abcdef')).info({ n: 1 }, 'hello');
  assert.deepEqual(lines, [
    { session: '0123456789abcdef', protocol: 'imap', user: 'ann@example.test', n: 1, text: 'hello' },
  ]);
});
