/** Programs that fetch mail to a file or a Maildir: fetchmail, getmail6, mpop, curl; certificate checks on. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Instance, needs, run, runOk, sample, startInstance, writeScratch } from './instance.ts';
import { appendSamples, subjects } from './libraries.ts';

const SUBJECTS = ['first of three', 'second of three', 'third of three'];

describe('downloaders', () => {
  let instance: Instance;
  before(async () => {
    instance = await startInstance();
    await appendSamples(
      instance,
      instance.user(0),
      'INBOX',
      SUBJECTS.map((subject) => sample(subject)),
    );
  });
  after(() => instance.close());

  const hasAll = (text: string): void => {
    for (const subject of SUBJECTS) assert.ok(text.includes(`Subject: ${subject}`), `${subject} was not fetched`);
    assert.ok(text.includes('\n.a line with a dot'), 'dot-stuffing came undone');
  };
  const maildir = (name: string): string => {
    const directory = path.join(instance.scratch, name);
    for (const sub of ['cur', 'new', 'tmp']) mkdirSync(path.join(directory, sub), { recursive: true });
    return directory;
  };
  const contents = (directory: string): string =>
    readdirSync(path.join(directory, 'new'))
      .map((file) => readFileSync(path.join(directory, 'new', file), 'utf8'))
      .join('\n');

  for (const protocol of ['IMAP', 'POP3'] as const) {
    test(`fetchmail by ${protocol} keeps the mail on the server`, { skip: needs('fetchmail') }, async () => {
      const who = instance.user(0);
      const { port } = protocol === 'IMAP' ? instance.imaps() : instance.pop3s();
      const out = path.join(instance.scratch, `fetchmail-${protocol}`);
      const config = writeScratch(
        instance,
        `fetchmailrc-${protocol}`,
        `poll localhost protocol ${protocol} port ${port} user "${who.address}" password "${who.password}" ssl sslproto TLS1.2+ sslcertck sslcertfile "${instance.ca}" keep fetchall mda "cat >> ${out}"\n`,
      );
      await runOk(
        'fetchmail',
        ['-f', config, '--nodetach', '--nosyslog', '-i', path.join(instance.scratch, `ids-${protocol}`)],
        { env: { HOME: instance.scratch, FETCHMAILHOME: instance.scratch } },
      );
      hasAll(readFileSync(out, 'utf8'));
      assert.equal((await subjects(instance, who, 'INBOX')).filter((subject) => SUBJECTS.includes(subject)).length, 3);
    });
  }

  test('getmail6 by IMAP and POP3', { skip: needs('getmail') }, async () => {
    const who = instance.user(0);
    for (const [type, port] of [
      ['SimplePOP3SSLRetriever', instance.pop3s().port],
      ['SimpleIMAPSSLRetriever', instance.imaps().port],
    ] as const) {
      const out = path.join(instance.scratch, `getmail-${type}`);
      const home = path.join(instance.scratch, `getmail-home-${type}`);
      mkdirSync(home);
      // As root getmail delivers through a command only, and only when told that this is meant.
      const config = writeScratch(
        instance,
        `getmail-home-${type}/rc`,
        `[retriever]\ntype = ${type}\nserver = localhost\nport = ${port}\nusername = ${who.address}\npassword = ${who.password}\nca_certs = ${instance.ca}\n${type.includes('IMAP') ? 'mailboxes = ("INBOX",)\n' : ''}[destination]\ntype = MDA_external\npath = /bin/sh\narguments = ("-c", "cat >> ${out}")\nallow_root_commands = true\n[options]\nread_all = true\ndelete = false\n`,
      );
      await runOk('getmail', ['--getmaildir', home, '--rcfile', config], { env: { HOME: home } });
      hasAll(readFileSync(out, 'utf8'));
    }
  });

  test('mpop', { skip: needs('mpop') }, async () => {
    const who = instance.user(0);
    const directory = maildir('mpop');
    const config = writeScratch(
      instance,
      'mpoprc',
      `account default\nhost localhost\nport ${instance.pop3s().port}\ntls on\ntls_starttls off\ntls_trust_file ${instance.ca}\nuser ${who.address}\npassword ${who.password}\nauth user\nkeep on\nonly_new off\ndelivery maildir ${directory}\nuidls_file ${instance.scratch}/uidls\nreceived_header off\n`,
    );
    await runOk('mpop', ['-C', config]);
    hasAll(contents(directory));
  });

  test('curl by imaps and pop3s, with checks that fail on the wrong authority', { skip: needs('curl') }, async () => {
    const who = instance.user(0);
    const user = `${who.address}:${who.password}`;
    const imap = await runOk('curl', [
      '-sS',
      '--cacert',
      instance.ca,
      '--user',
      user,
      `imaps://localhost:${instance.imaps().port}/INBOX;MAILINDEX=2`,
    ]);
    assert.match(imap, /Subject: (first|second) of three/);
    const pop3 = await runOk('curl', [
      '-sS',
      '--cacert',
      instance.ca,
      '--user',
      user,
      `pop3s://localhost:${instance.pop3s().port}/2`,
    ]);
    assert.equal(pop3.replace(/\r\n$/, ''), imap.replace(/\r\n$/, ''));
    const untrusted = await run('curl', ['-sS', '--user', user, `imaps://localhost:${instance.imaps().port}/INBOX`]);
    assert.equal(untrusted.code, 60, 'curl has to refuse an authority it does not know');
    const wrong = await run('curl', [
      '-sS',
      '--cacert',
      instance.ca,
      '--user',
      `${who.address}:wrong`,
      `imaps://localhost:${instance.imaps().port}/INBOX`,
    ]);
    assert.equal(wrong.code, 67, 'curl has to report a refused logon');
  });
});
