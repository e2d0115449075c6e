/** Programs that send: swaks, msmtp, curl, Python's smtplib, each with certificate checks on. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Instance, needs, run, runOk, sample, startInstance, writeScratch } from './instance.ts';
import { subjects } from './libraries.ts';

describe('senders', () => {
  let instance: Instance;
  before(async () => {
    instance = await startInstance();
  });
  after(() => instance.close());

  const arrives = async (subject: string): Promise<void> =>
    assert.ok(
      (await subjects(instance, instance.user(1), 'INBOX')).includes(subject),
      `${subject} is not in the Inbox`,
    );

  test('swaks submits over STARTTLS', { skip: needs('swaks') }, async () => {
    const [from, to] = [instance.user(0), instance.user(1)];
    const { port } = instance.submission();
    await runOk('swaks', [
      '--server',
      'localhost',
      '--port',
      String(port),
      '--tls',
      '--tls-verify',
      '--tls-ca-path',
      instance.ca,
      '--auth',
      'PLAIN',
      '--auth-user',
      from.address,
      '--auth-password',
      from.password,
      '--from',
      from.address,
      '--to',
      to.address,
      '--header',
      'Subject: by swaks',
    ]);
    await arrives('by swaks');
  });

  test('swaks is refused when it claims a foreign sender', { skip: needs('swaks') }, async () => {
    const [from, to] = [instance.user(0), instance.user(1)];
    const result = await run('swaks', [
      '--server',
      'localhost',
      '--port',
      String(instance.submission().port),
      '--tls',
      '--auth',
      'PLAIN',
      '--auth-user',
      from.address,
      '--auth-password',
      from.password,
      '--from',
      to.address,
      '--to',
      to.address,
    ]);
    assert.notEqual(result.code, 0);
    assert.match(result.stdout, /550 5\.7\.60/);
  });

  test('msmtp submits over implicit TLS', { skip: needs('msmtp') }, async () => {
    const [from, to] = [instance.user(0), instance.user(1)];
    const config = writeScratch(
      instance,
      'msmtprc',
      `account default\nhost localhost\nport ${instance.smtps().port}\ntls on\ntls_starttls off\ntls_trust_file ${instance.ca}\nauth on\nuser ${from.address}\npassword ${from.password}\nfrom ${from.address}\n`,
    );
    await runOk('msmtp', ['-C', config, to.address], {
      input: sample('by msmtp', from.address, to.address).replaceAll('\r\n', '\n'),
    });
    await arrives('by msmtp');
  });

  test('msmtp refuses a server its trust file does not know', { skip: needs('msmtp') }, async () => {
    const from = instance.user(0);
    const config = writeScratch(
      instance,
      'msmtprc-untrusted',
      `account default\nhost localhost\nport ${instance.smtps().port}\ntls on\ntls_starttls off\ntls_trust_file /etc/ssl/certs/ca-certificates.crt\nauth on\nuser ${from.address}\npassword ${from.password}\nfrom ${from.address}\n`,
    );
    const result = await run('msmtp', ['-C', config, from.address], { input: sample('untrusted') });
    assert.notEqual(result.code, 0);
    assert.match(result.stderr, /certificate|trust/i);
  });

  test('curl submits', { skip: needs('curl') }, async () => {
    const [from, to] = [instance.user(0), instance.user(1)];
    const file = writeScratch(instance, 'curl.eml', sample('by curl', from.address, to.address));
    await runOk('curl', [
      '-sS',
      '--ssl-reqd',
      '--cacert',
      instance.ca,
      '--user',
      `${from.address}:${from.password}`,
      '--mail-from',
      from.address,
      '--mail-rcpt',
      to.address,
      '--upload-file',
      file,
      `smtp://localhost:${instance.submission().port}`,
    ]);
    await arrives('by curl');
  });

  test("Python's smtplib submits", { skip: needs('python3') }, async () => {
    const [from, to] = [instance.user(1), instance.user(1)];
    const script = `
import smtplib, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
with smtplib.SMTP('localhost', int(sys.argv[2])) as s:
    s.starttls(context=context)
    s.login(sys.argv[3], sys.argv[4])
    s.sendmail(sys.argv[3], [sys.argv[5]], sys.stdin.buffer.read())
`;
    await runOk(
      'python3',
      ['-c', script, instance.ca, String(instance.submission().port), from.address, from.password, to.address],
      { input: sample('by smtplib', from.address, to.address) },
    );
    await arrives('by smtplib');
  });
});
