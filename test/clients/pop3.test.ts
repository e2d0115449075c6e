/**
 * Foreign POP3 clients with the settings of issue 3: UTF8 (RFC 6856), MessageRetrievalSortOrder, mail kept on the
 * server, exact sizes, STLS. The server runs in this process, so that its settings can be changed under the clients.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { append } from '../dialogues/pop3/stage.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';
import { needs, runOk } from './instance.ts';

const PYTHON = `
import poplib, ssl, sys
ca, port, user, password = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
context = ssl.create_default_context(cafile=ca)
def retrieve(unicode):
    p = poplib.POP3_SSL('localhost', port, context=context)
    assert 'UTF8' in p.capa() and 'LANG' in p.capa(), p.capa()
    if unicode: p.utf8()
    p.user(user); p.pass_(password)
    sizes = [int(line.split()[1]) for line in p.list()[1]]
    messages = [b''.join(line + b'\\r\\n' for line in p.retr(n + 1)[1]) for n in range(len(sizes))]
    p.quit()
    return sizes, messages
sizes, raw = retrieve(True)
assert [len(message) for message in raw] == sizes, (sizes, [len(message) for message in raw])
assert 'Subject: Grüße'.encode() in raw[0]
_, surrogates = retrieve(False)
import email, email.policy
shown = email.message_from_bytes(surrogates[0], policy=email.policy.default)
assert surrogates[0].split(b'\\r\\n\\r\\n')[0].isascii(), surrogates[0]
assert shown['Subject'] == 'Grüße' and shown['From'] == 'José <jose@elsewhere.example>', (shown['Subject'], shown['From'])
assert surrogates[1] == raw[1]
p = poplib.POP3_SSL('localhost', port, context=context)
p._putcmd('LANG es')
assert p._getresp() == '+OK es Idioma cambiado'.encode(), 'LANG'
p.quit()
print('fine')
`;

describe('POP3 clients and settings', () => {
  let organization: TestOrganization;
  const home = (): string => organization.layout.root;
  before(async () => {
    organization = await startOrganization({ engine: 'sqlite' });
    const { account } = organization.user(0);
    assert.ok(account.mailbox !== null);
    const database = organization.databaseOf(account);
    const mailbox = await database.open(account.mailbox.id);
    for (const message of [
      'From: José <jose@elsewhere.example>\r\nSubject: Grüße\r\n\r\nHällo\r\n',
      'From: a@elsewhere.example\r\nSubject: second\r\n\r\n.no end',
    ]) {
      await append(database, mailbox, 'INBOX', Buffer.from(message, 'utf8'));
    }
    mailbox.close();
  });
  after(() => organization.stop());

  async function set(patch: Parameters<TestOrganization['directory']['setPopSettings']>[1]): Promise<void> {
    await organization.directory.setPopSettings(organization.server.id, patch);
    await organization.running.settled();
  }

  const directory = (name: string): string => {
    const made = path.join(home(), name);
    for (const sub of ['cur', 'new', 'tmp']) mkdirSync(path.join(made, sub), { recursive: true });
    return made;
  };
  const file = (name: string, text: string): string => {
    const made = path.join(home(), name);
    writeFileSync(made, text, { mode: 0o600 });
    return made;
  };
  const subjects = (text: string): string[] =>
    [...text.matchAll(/^Subject: (.*?)\r?$/gm)].map((match) => match[1] ?? '');

  test('poplib: UTF8, LANG, sizes that are exact', { skip: needs('python3') }, async () => {
    const { address, password } = organization.user(0);
    const args = [organization.caFile, String(organization.pop3.tls), address, password];
    assert.match(await runOk('python3', ['-c', PYTHON, ...args]), /fine/);
  });

  test('fetchmail: Descending brings the newest first; what is kept on the server is there again', {
    skip: needs('fetchmail'),
  }, async () => {
    const { address, password, account } = organization.user(0);
    await organization.directory.setClientAccess(account.id, { popKeepMessagesOnServer: true });
    await set({ messageRetrievalSortOrder: 'Descending' });
    const fetch = async (name: string): Promise<string[]> => {
      const out = path.join(home(), name);
      const config = file(
        `${name}rc`,
        `poll localhost protocol POP3 port ${organization.pop3.tls} user "${address}" password "${password}" ssl sslproto TLS1.2+ sslcertck sslcertfile "${organization.caFile}" nokeep fetchall mda "cat >> ${out}"\n`,
      );
      const ids = path.join(home(), `${name}-ids`);
      const env = { HOME: home(), FETCHMAILHOME: home() };
      await runOk('fetchmail', ['-f', config, '--nodetach', '--nosyslog', '-i', ids], { env });
      return subjects(readFileSync(out, 'utf8'));
    };
    const encoded = '=?UTF-8?B?R3LDvMOfZQ==?=';
    assert.deepEqual(await fetch('first'), ['second', encoded]);
    await set({ messageRetrievalSortOrder: 'Ascending' });
    assert.deepEqual(await fetch('again'), [encoded, 'second'], 'deleted, and kept all the same');
    await organization.directory.setClientAccess(account.id, { popKeepMessagesOnServer: false });
  });

  test('mpop by STLS and SCRAM-SHA-256', { skip: needs('mpop') }, async () => {
    const { address, password } = organization.user(0);
    const maildir = directory('mpop');
    const config = file(
      'mpoprc',
      `account default\nhost localhost\nport ${organization.pop3.plain}\ntls on\ntls_starttls on\ntls_trust_file ${organization.caFile}\nuser ${address}\npassword ${password}\nauth on\nkeep on\nonly_new off\ndelivery maildir ${maildir}\nuidls_file ${path.join(home(), 'uidls')}\nreceived_header off\n`,
    );
    await runOk('mpop', ['-C', config]);
    assert.equal(readdirSync(path.join(maildir, 'new')).length, 2);
  });

  test('getmail6 tells new mail by UIDL, whatever the order', { skip: needs('getmail') }, async () => {
    const { address, password } = organization.user(0);
    const getmail = path.join(home(), 'getmail');
    mkdirSync(getmail);
    const out = path.join(home(), 'getmail-out');
    // As root getmail delivers through a command only, and only when told that this is meant.
    const config = file(
      'getmail/rc',
      `[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = ${organization.pop3.tls}\nusername = ${address}\npassword = ${password}\nca_certs = ${organization.caFile}\n[destination]\ntype = MDA_external\npath = /bin/sh\narguments = ("-c", "cat >> ${out}")\nallow_root_commands = true\n[options]\nread_all = false\ndelete = false\n`,
    );
    const collect = (): Promise<string> =>
      runOk('getmail', ['--getmaildir', getmail, '--rcfile', config], { env: { HOME: getmail } });
    await collect();
    assert.equal(subjects(readFileSync(out, 'utf8')).length, 2);
    await set({ messageRetrievalSortOrder: 'Descending' });
    await collect();
    assert.equal(subjects(readFileSync(out, 'utf8')).length, 2, 'nothing came twice');
    await set({ messageRetrievalSortOrder: 'Ascending' });
  });

  test('curl retrieves one message over pop3s', { skip: needs('curl') }, async () => {
    const { address, password } = organization.user(0);
    const words = ['-sS', '--cacert', organization.caFile, '--user', `${address}:${password}`];
    const text = await runOk('curl', [...words, `pop3s://localhost:${organization.pop3.tls}/2`]);
    assert.match(text, /\r\n\.no end\r\n$/);
  });
});
