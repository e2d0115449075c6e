/** Python's imaplib and poplib: the plainest clients there are, with ssl's default checks. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Instance, needs, run, runOk, sample, startInstance } from './instance.ts';
import { appendSamples } from './libraries.ts';

const IMAP = `
import imaplib, ssl, sys
ca, port, user, password = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
m = imaplib.IMAP4_SSL('localhost', port, ssl_context=ssl.create_default_context(cafile=ca))
def ok(answer):
    assert answer[0] == 'OK', answer
    return answer[1]
ok(m.login(user, password))
assert b'INBOX' in b' '.join(ok(m.list()))
ok(m.create('"Projects/R&AOk-sum&AOk-"'))
ok(m.subscribe('"Projects/R&AOk-sum&AOk-"'))
body = b'From: a@b.example\\r\\nSubject: python\\r\\n\\r\\n' + bytes(range(128, 256)) + b'\\r\\nend\\r\\n'
ok(m.append('INBOX', '(\\\\Flagged custom)', imaplib.Time2Internaldate(1700000000), body))
ok(m.select('INBOX'))
uids = ok(m.uid('SEARCH', 'SUBJECT', 'python'))[0].split()
assert len(uids) == 1, uids
data = ok(m.uid('FETCH', uids[0], '(BODY.PEEK[] FLAGS INTERNALDATE RFC822.SIZE)'))
assert data[0][1] == body, data
assert b'custom' in data[0][0] + data[1] and b'Flagged' in data[0][0] + data[1], data
ok(m.uid('COPY', uids[0], '"Projects/R&AOk-sum&AOk-"'))
ok(m.uid('STORE', uids[0], '+FLAGS.SILENT', '(\\\\Deleted)'))
ok(m.expunge())
assert ok(m.uid('SEARCH', 'SUBJECT', 'python'))[0].split() == []
ok(m.select('"Projects/R&AOk-sum&AOk-"', readonly=True))
assert ok(m.search(None, 'ALL'))[0] == b'1'
m.close(); m.logout()
print('fine')
`;

const POP3 = `
import poplib, ssl, sys
ca, port, user, password = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
p = poplib.POP3_SSL('localhost', port, context=ssl.create_default_context(cafile=ca))
p.user(user); p.pass_(password)
assert 'UIDL' in p.capa()
count, size = p.stat()
sizes = [int(line.split()[1]) for line in p.list()[1]]
assert len(sizes) == count and sum(sizes) == size, (count, size, sizes)
for number in range(1, count + 1):
    _, lines, octets = p.retr(number)
    assert sum(len(line) + 2 for line in lines) == sizes[number - 1], 'LIST size differs from what came'
uidls = [line.split()[1] for line in p.uidl()[1]]
assert len(set(uidls)) == count
p.dele(1); p.rset(); p.quit()
p = poplib.POP3('localhost', int(sys.argv[5]))
p.stls(ssl.create_default_context(cafile=ca))
p.user(user); p.pass_(password)
assert p.stat()[0] == count
p.dele(1); p.quit()
p = poplib.POP3_SSL('localhost', port, context=ssl.create_default_context(cafile=ca))
p.user(user); p.pass_(password)
assert p.stat()[0] == count - 1
assert [line.split()[1] for line in p.uidl()[1]] == uidls[1:], 'unique-ids changed'
p.quit()
print('fine')
`;

describe('Python', () => {
  let instance: Instance;
  before(async () => {
    instance = await startInstance();
  });
  after(() => instance.close());

  test('imaplib', { skip: needs('python3') }, async () => {
    const who = instance.user(0);
    assert.match(
      await runOk('python3', ['-c', IMAP, instance.ca, String(instance.imaps().port), who.address, who.password]),
      /fine/,
    );
  });

  test('imaplib refuses an unknown authority', { skip: needs('python3') }, async () => {
    const script = `import imaplib, ssl, sys\nimaplib.IMAP4_SSL('localhost', int(sys.argv[1]), ssl_context=ssl.create_default_context())`;
    const result = await run('python3', ['-c', script, String(instance.imaps().port)]);
    assert.notEqual(result.code, 0);
    assert.match(result.stderr, /CERTIFICATE_VERIFY_FAILED/);
  });

  test('poplib', { skip: needs('python3') }, async () => {
    const who = instance.user(1);
    await appendSamples(instance, who, 'INBOX', [sample('pop one'), sample('pop two')]);
    const plain = instance.pop3.find((listener) => listener.security === 'starttls');
    assert.match(
      await runOk('python3', [
        '-c',
        POP3,
        instance.ca,
        String(instance.pop3s().port),
        who.address,
        who.password,
        String(plain?.port),
      ]),
      /fine/,
    );
  });
});
