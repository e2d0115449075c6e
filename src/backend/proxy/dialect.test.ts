import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accountId } from '../../directory/model.ts';
import { Failure } from '../../observe/failure.ts';
import { OwnedElsewhere } from '../../store/api.ts';
import {
  capabilitiesOf,
  failureOf,
  logonLines,
  namedSession,
  okLine,
  parseAnswer,
  parseRequest,
  type ProxyProtocol,
  refusalLine,
} from './dialect.ts';

const named = { account: accountId('a-1'), mailbox: accountId('a-2'), appPassword: null };

for (const protocol of ['imap', 'pop3'] as const satisfies ProxyProtocol[])
  describe(`between servers, ${protocol}`, () => {
    const answered = (line: string) => {
      const answer = parseAnswer(protocol, line.trimEnd());
      assert.ok(answer !== null);
      return answer;
    };

    test('a logon names who and whose', () => {
      const [facts = '', logon = ''] = logonLines(protocol, 'SESSION=x', named).split('\r\n');
      assert.deepEqual(parseRequest(protocol, facts), {
        tag: protocol === 'imap' ? 'f' : '',
        verb: 'XCLIENT',
        rest: 'SESSION=x',
      });
      const request = parseRequest(protocol, logon);
      assert.equal(request.verb, 'AUTHENTICATE');
      assert.deepEqual(namedSession(request.rest), named);
      const [, byApp = ''] = logonLines(protocol, 'SESSION=x', { ...named, appPassword: 'p-1' }).split('\r\n');
      assert.equal(namedSession(parseRequest(protocol, byApp).rest)?.appPassword, 'p-1');
    });

    test('capabilities come with the OK', () => {
      const answer = answered(okLine(protocol, 'l', 'The session begins.', 'CAPABILITY IMAP4rev1 IDLE'));
      assert.equal(answer.ok, true);
      assert.deepEqual(capabilitiesOf(answer), ['IMAP4rev1', 'IDLE']);
    });

    for (const failure of [new Failure('LIMIT', 'You have 8 sessions'), new Failure('INUSE', 'It [moves]')])
      test(`${failure.code} is the same Failure on the other side`, () => {
        const back = failureOf(answered(refusalLine(protocol, 'l', failure)));
        assert.deepEqual([back.code, back.message], [failure.code, failure.message]);
      });

    test('an owner is named by its id', () => {
      const back = failureOf(answered(refusalLine(protocol, 'l', new OwnedElsewhere('server-7'))));
      assert.ok(back instanceof OwnedElsewhere);
      assert.equal(back.owner, 'server-7');
    });

    test('is never a wrong password, nor a code that is none', () => {
      for (const code of ['AUTHENTICATIONFAILED', 'toString', ''])
        assert.equal(failureOf({ tag: 'l', ok: false, code, text: 'x' }).code, 'UNAVAILABLE');
    });

    test('a text cannot become a line of its own', () => {
      const line = refusalLine(protocol, 'l', new Failure('UNAVAILABLE', 'one\r\nl OK two'));
      assert.equal(line.indexOf('\r\n'), line.length - 2);
    });
  });

test('who speaks something else is no back end', () => {
  for (const line of ['', '220 smtp', 'HTTP/1.1 400 Bad Request']) {
    assert.equal(parseAnswer('imap', line), null);
    assert.equal(parseAnswer('pop3', line), null);
  }
});

test('another mechanism, or nobody named, is no logon', () => {
  for (const rest of [
    '',
    'EXTERNAL',
    'EXTERNAL =',
    'PLAIN AGEgYg==',
    `EXTERNAL ${Buffer.from('one').toString('base64')}`,
    'EXTERNAL !!!!',
    `EXTERNAL ${Buffer.from('a b c d').toString('base64')}`,
  ])
    assert.equal(namedSession(rest), null, rest);
});
