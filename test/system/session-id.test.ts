/** One id follows a client through every log line: front end, authenticator, back end, SMTP, delivery. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import Pop3Command from 'node-pop3';
import { createTransport } from 'nodemailer';
import { type LogLine, startOrganization, type TestOrganization } from '../support/organization.ts';

let organization: TestOrganization;
before(async () => {
  organization = await startOrganization({ engine: 'memory', users: ['alice', 'bob'] });
});
after(() => organization.stop());

/** Lines since `from` about a client: of the process itself, only what it does by its own hand is left out. */
function linesSince(from: number): readonly LogLine[] {
  const about = ['protocol', 'client', 'address', 'remote', 'user', 'name', 'message', 'recipient', 'mechanism'];
  return organization.log.slice(from).filter(({ fields }) => about.some((key) => key in fields));
}

/** The one id that all of them have. */
function idOf(lines: readonly LogLine[]): string {
  for (const { text, fields } of lines)
    assert.equal(typeof fields.session, 'string', `${text} ${JSON.stringify(fields)}`);
  const ids = new Set(lines.map(({ fields }) => String(fields.session)));
  assert.equal(ids.size, 1, JSON.stringify(lines));
  const [id = ''] = ids;
  assert.match(id, /^[0-9a-f]{16}$/);
  return id;
}

const texts = (lines: readonly LogLine[]): readonly string[] => lines.map(({ text }) => text);

test('IMAP4', async () => {
  const { address: user, password: pass } = organization.user(0);
  const from = organization.log.length;
  const client = new ImapFlow({
    host: 'localhost',
    port: organization.imap.tls,
    secure: true,
    auth: { user, pass },
    tls: { ca: organization.ca },
    logger: false,
  });
  await client.connect();
  await client.mailboxOpen('INBOX');
  const [session] = organization.running.backEnd.sessions.list();
  await client.logout();
  await organization.running.backEnd.sessions.empty();
  const lines = linesSince(from);
  assert.equal(idOf(lines), session?.id, 'the back end knows it by the same id');
  for (const text of ['client connected', 'logon', 'logged on']) assert.ok(texts(lines).includes(text), text);
});

test('a refused logon: the authenticator says why under the id of the front end', async () => {
  const { address: user } = organization.user(0);
  const from = organization.log.length;
  const client = new Pop3Command({
    host: 'localhost',
    port: organization.pop3.tls,
    tls: true,
    tlsOptions: { ca: organization.ca },
    user,
    password: 'not hers',
  });
  await assert.rejects(client.STAT());
  await client.QUIT().catch(() => {});
  const lines = linesSince(from);
  idOf(lines);
  const why = lines.find(({ text, fields }) => text === 'logon refused' && 'reason' in fields);
  assert.equal(why?.fields.reason, 'wrong-password');
});

test('SMTP with its delivery, then POP3', async () => {
  const [alice, bob] = [organization.user(0), organization.user(1)];
  const from = organization.log.length;
  const transport = createTransport({
    host: 'localhost',
    port: organization.smtp.submission,
    requireTLS: true,
    auth: { user: alice.address, pass: alice.password },
    tls: { ca: organization.ca },
  });
  await transport.sendMail({ from: alice.address, to: bob.address, subject: 'followed', text: 'hello\n' });
  transport.close();
  const sent = linesSince(from);
  const smtp = idOf(sent);
  for (const text of ['SMTP session began', 'logon', 'SMTP logon', 'message delivered'])
    assert.ok(texts(sent).includes(text), text);
  const delivered = sent.find(({ text }) => text === 'message delivered');
  assert.equal(delivered?.fields.message, `${smtp}-1`);

  const next = organization.log.length;
  const pop3 = new Pop3Command({
    host: 'localhost',
    port: organization.pop3.tls,
    tls: true,
    tlsOptions: { ca: organization.ca },
    user: bob.address,
    password: bob.password,
  });
  assert.match(await pop3.RETR(1), /followed/);
  const [session] = organization.running.backEnd.sessions.list();
  await pop3.QUIT();
  await organization.running.backEnd.sessions.empty();
  const read = linesSince(next).filter(({ fields }) => fields.session !== smtp);
  assert.equal(idOf(read), session?.id);
  assert.ok(texts(read).includes('POP3 session ended'));
});

test('a delivery that fails is told under the id of its session', async () => {
  const [alice, bob] = [organization.user(0), organization.user(1)];
  await organization.directory.setMailboxSettings(bob.account.id, { maxReceiveSize: 2000 });
  const from = organization.log.length;
  const transport = createTransport({
    host: 'localhost',
    port: organization.smtp.submission,
    requireTLS: true,
    auth: { user: alice.address, pass: alice.password },
    tls: { ca: organization.ca },
  });
  const message = { from: alice.address, to: bob.address, subject: 'too large', text: 'x'.repeat(5000) };
  await assert.rejects(transport.sendMail(message));
  transport.close();
  const failed = linesSince(from).find(({ text }) => text === 'delivery failed');
  assert.ok(failed !== undefined);
  assert.equal(failed.fields.session, String(failed.fields.message).split('-')[0]);
});
