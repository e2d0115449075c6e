/** EmailView/get against the reference engine of the store: what the reading pane gets, in threads as in the server. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { type Account, accountId } from '../../../directory/model.ts';
import type { Mailbox, MailboxDatabase } from '../../../store/api.ts';
import { openMemoryDatabase } from '../../../store/engine/memory/index.ts';
import { mailboxId } from '../../../store/model.ts';
import { carryOut } from '../dispatch.ts';
import type { Json, JsonObject } from '../json.ts';
import type { MailContext } from '../mail/context.ts';
import { emailReading } from '../mail/email-methods.ts';
import { CORE, MAIL } from '../mail/names.ts';
import { readRequest } from '../request.ts';
import { VIEW_BYTES } from './contents.ts';
import { MAIL_VIEW, mailViewMethods, VIEWS_IN_GET } from './email-view.ts';
import { closeViews } from './views.ts';

const ACCOUNT = 'a1';
const METHODS = new Map([...emailReading, ...mailViewMethods].map((method) => [method.name, method]));

function text(value: Json | undefined): string {
  assert.ok(typeof value === 'string');
  return value;
}

const header = (more: string): string => `From: ann@example.test\r\nSubject: x\r\n${more}\r\n\r\n`;
const html = (body: string): string => header('Content-Type: text/html; charset=utf-8') + body;

const REPORT = header('Content-Type: multipart/mixed; boundary=m').concat(
  [
    '--m',
    'Content-Type: multipart/related; boundary=r',
    '',
    '--r',
    'Content-Type: multipart/alternative; boundary=a',
    '',
    '--a',
    'Content-Type: text/plain',
    '',
    'plain form',
    '--a',
    'Content-Type: text/html; charset=iso-8859-1',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    '<p>Gr=FC=DFe <img src=3D"cid:logo@example.test"></p>',
    '--a',
    'Content-Type: text/calendar; method=REQUEST',
    '',
    'BEGIN:VCALENDAR',
    '--a--',
    '--r',
    'Content-Type: image/png; name="a b.png"',
    'Content-ID: <logo@example.test>',
    'Content-Transfer-Encoding: base64',
    '',
    'iVBORw0KGgo=',
    '--r--',
    '--m',
    'Content-Type: application/pdf',
    'Content-Disposition: attachment; filename=report.pdf',
    'Content-Transfer-Encoding: base64',
    '',
    'AAECAwQFBgc=',
    '--m--',
    '',
  ].join('\r\n'),
);

describe('EmailView/get', () => {
  let database: MailboxDatabase;
  let mailbox: Mailbox;

  beforeEach(async () => {
    database = openMemoryDatabase({ now: () => 1_790_000_000 });
    mailbox = await database.open(mailboxId('0c7f4f0e-0000-4000-8000-000000000001'));
  });
  afterEach(async () => {
    mailbox.close();
    await database.close();
  });
  after(() => closeViews());

  const owner: Account = {
    id: accountId(ACCOUNT),
    kind: 'user',
    enabled: true,
    displayName: 'Ann',
    alias: 'ann',
    userPrincipalName: 'ann@example.test',
    mailbox: null,
  };
  const context: MailContext = {
    account: (id) =>
      Promise.resolve(
        id === ACCOUNT
          ? {
              owner,
              mailbox,
              isReadOnly: true,
              stage: (options) => database.stage(options),
              uploads: { find: () => Promise.resolve(null) },
            }
          : null,
      ),
  };
  async function call(name: string, args: object): Promise<JsonObject> {
    const methodCalls = [[name, { accountId: ACCOUNT, ...args }, 'c']];
    const request = readRequest(
      JSON.stringify({ using: [CORE, MAIL, MAIL_VIEW], methodCalls }),
      new Set([CORE, MAIL, MAIL_VIEW]),
    );
    const faults: unknown[] = [];
    const { methodResponses } = await carryOut(request, {
      methods: METHODS,
      context,
      sessionState: 's',
      signal: AbortSignal.timeout(60_000),
      onFault: (error) => faults.push(error),
    });
    assert.deepEqual(faults, []);
    const [first] = methodResponses;
    assert.ok(first);
    return first[0] === 'error' ? { error: first[1]['type'] ?? null } : first[1];
  }
  async function add(message: string): Promise<string> {
    const sink = database.stage();
    await sink.write(Buffer.from(message, 'latin1'));
    const staged = await sink.finish();
    const inbox = mailbox.folderByName('INBOX');
    assert.ok(inbox);
    await mailbox.append(inbox.id, staged, {});
    await staged.release();
    const view = await mailbox.view(inbox.id);
    const content = view.columns.content[view.columns.length - 1];
    view.close();
    return `M${content}`;
  }
  async function viewed(message: string, args: object = {}): Promise<Readonly<Record<string, Json | undefined>>> {
    const id = await add(message);
    const answer = await call('EmailView/get', { ids: [id], ...args });
    assert.deepEqual(answer['notFound'], []);
    const [view] = Object(answer)['list'];
    assert.equal(view.id, id);
    return view;
  }

  test('one message: decoded, own pictures by their address, files listed, other forms left out', async () => {
    const view = await viewed(REPORT);
    const content = text(view['id']).slice(1);
    assert.equal(
      view['html'],
      `<p>Grüße <img src="/jmap/download/a1/B${content}_1_2/a%20b.png?type=image%2Fpng" /></p>`,
    );
    assert.equal(view['isPlain'], false);
    assert.deepEqual(view['attachments'], [
      {
        partId: '1.1.3',
        blobId: `B${content}_1_1_3`,
        name: null,
        type: 'text/calendar',
        size: 15,
        cid: null,
        isInline: false,
        isInvitation: true,
      },
      {
        partId: '1.2',
        blobId: `B${content}_1_2`,
        name: 'a b.png',
        type: 'image/png',
        size: 8,
        cid: 'logo@example.test',
        isInline: true,
        isInvitation: false,
      },
      {
        partId: '2',
        blobId: `B${content}_2`,
        name: 'report.pdf',
        type: 'application/pdf',
        size: 8,
        cid: null,
        isInline: false,
        isInvitation: false,
      },
    ]);
  });

  test('pictures on the web stay out until they are asked for', async () => {
    const mail = html('<img src="https://p.example/a.png"><img src="https://t.example/x" width=1 height=1>');
    const blocked = await viewed(mail);
    assert.deepEqual(
      [blocked['hasRemotePictures'], blocked['remotePictures'], blocked['trackingPixels']],
      [true, 1, 1],
    );
    assert.ok(!text(blocked['html']).includes('p.example'));
    const shown = await viewed(mail, { remotePictures: true });
    assert.match(text(shown['html']), /https:\/\/p\.example\/a\.png/);
    assert.ok(!text(shown['html']).includes('t.example'));
  });

  test('plain text is joined as it says it flows', async () => {
    const view = await viewed(header('Content-Type: text/plain; format=Flowed; DelSp=yes') + 'over \r\nflow\r\n');
    assert.equal(view['isPlain'], true);
    assert.match(text(view['html']), />overflow</);
  });

  test('what servers on the way found out is handed on as theirs', async () => {
    const view = await viewed(
      header('Authentication-Results: mx.example.test; spf=pass smtp.mailfrom=e.example\r\nContent-Type: text/plain') +
        'x',
    );
    assert.deepEqual(view['authentication'], {
      server: 'mx.example.test',
      results: [{ method: 'spf', result: 'pass', properties: { 'smtp.mailfrom': 'e.example' } }],
    });
    assert.equal((await viewed(html('x')))['authentication'], null);
  });

  test('of a body above the limit the beginning is shown', async () => {
    const view = await viewed(html(`<p>begin</p>${'<i>x</i>\r\n'.repeat(VIEW_BYTES / 8)}<p>end</p>`));
    assert.equal(view['isTruncated'], true);
    const shown = text(view['html']);
    assert.ok(shown.includes('begin') && !shown.includes('end'));
  });

  test('half a character in the name of a file harms nothing', async () => {
    const view = await viewed(
      header("Content-Type: image/png; name*=utf-16be''%D8%00x\r\nContent-Transfer-Encoding: base64") + 'iVBORw0KGgo=',
    );
    assert.match(text(view['html']), /<img src="\/jmap\/download\//);
  });

  test('of HTML that is made to be slow the text is shown', async () => {
    const view = await viewed(html(`<p>begin</p>${'<table><a><td>'.repeat(50_000)}`));
    assert.equal(view['reducedTo'], 'text');
    assert.match(text(view['html']), /^<div style="white-space:pre-wrap">begin/);
    assert.equal((await viewed(html('<p>x</p>')))['reducedTo'], null);
  });

  test('a message without a body, and one that is a picture', async () => {
    assert.equal((await viewed(header('X: y')))['html'], '');
    const picture = await viewed(
      header('Content-Type: image/png\r\nContent-Transfer-Encoding: base64') + 'iVBORw0KGgo=',
    );
    assert.match(text(picture['html']), /<img src="\/jmap\/download\/a1\/B\d+_1\/picture\?type=image%2Fpng" alt="">/);
  });

  test('the event loop is free while a large message is made ready', async () => {
    const id = await add(html('<table><tr><td style="color:red">x</td></tr></table>\r\n'.repeat(18_000)));
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    await call('EmailView/get', { ids: [id] });
    isOver = true;
    assert.ok(turns > 50, `${turns} turns`);
  });

  test('what is not there, too much, or not the caller’s is refused', async () => {
    assert.deepEqual((await call('EmailView/get', { ids: ['M999', 'x'] }))['notFound'], ['M999', 'x']);
    const many = Array.from({ length: VIEWS_IN_GET + 1 }, (_, i) => `M${i}`);
    assert.deepEqual(await call('EmailView/get', { ids: many }), { error: 'requestTooLarge' });
    assert.deepEqual(await call('EmailView/get', { ids: null }), { error: 'requestTooLarge' });
    assert.deepEqual(await call('EmailView/get', { ids: [], accountId: 'b2' }), { error: 'accountNotFound' });
    assert.deepEqual(await call('EmailView/get', { ids: [], other: 1 }), { error: 'invalidArguments' });
  });
});
