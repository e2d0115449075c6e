import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../observe/failure.ts';
import { carryOut, type Method } from './dispatch.ts';
import type { JsonObject } from './json.ts';
import { MethodError } from './method-error.ts';
import { resolveReferences } from './references.ts';
import { JMAP_LIMITS, JSON_DEPTH, readRequest, RequestRefused } from './request.ts';

const CORE = 'urn:ietf:params:jmap:core';
const MAIL = 'urn:ietf:params:jmap:mail';
const KNOWN = new Set([CORE, MAIL]);

const refusal = (text: string): string => {
  try {
    readRequest(text, KNOWN);
  } catch (error) {
    assert.ok(error instanceof RequestRefused, String(error));
    return error.problem.type.replace('urn:ietf:params:jmap:error:', '');
  }
  return 'accepted';
};
const request = (methodCalls: unknown, more: object = {}): string =>
  JSON.stringify({ using: [CORE, MAIL], methodCalls, ...more });

describe('a JMAP request (RFC 8620 §3.3, §3.6.1)', () => {
  const rows: ReadonlyArray<readonly [string, string, string]> = [
    ['the example of the RFC', request([['Core/echo', { hello: true, high: 5 }, 'b3ff']]), 'accepted'],
    ['no JSON', '{', 'notJSON'],
    ['no object', '[]', 'notRequest'],
    ['no list of capabilities', '{"using":"x","methodCalls":[]}', 'notRequest'],
    ['a capability nobody speaks', '{"using":["urn:x"],"methodCalls":[]}', 'unknownCapability'],
    ['a call of two parts', request([['Core/echo', {}]]), 'notRequest'],
    ['arguments that are a list', request([['Core/echo', [], 'a']]), 'notRequest'],
    ['created ids that are numbers', request([], { createdIds: { a: 1 } }), 'notRequest'],
    ['created ids as a list', request([], { createdIds: [] }), 'notRequest'],
    [
      'as many calls as allowed',
      request(Array.from({ length: JMAP_LIMITS.maxCallsInRequest }, () => ['Core/echo', {}, 'a'])),
      'accepted',
    ],
    [
      'one call more',
      request(Array.from({ length: JMAP_LIMITS.maxCallsInRequest + 1 }, () => ['Core/echo', {}, 'a'])),
      'limit',
    ],
    [
      'values within values',
      request([['Core/echo', { a: JSON.parse('['.repeat(JSON_DEPTH) + ']'.repeat(JSON_DEPTH)) }, 'a']]),
      'notRequest',
    ],
  ];
  for (const [name, text, expected] of rows) test(name, () => assert.equal(refusal(text), expected));

  test('any text is taken or refused, and never breaks anything else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((inner) => request(JSON.parse(inner))),
        ),
        (text) => {
          refusal(text);
        },
      ),
    );
  });
});

describe('references to earlier results (RFC 8620 §3.7)', () => {
  const answers = [
    { name: 'Email/query', args: { ids: ['a', 'b'] }, callId: 't0' },
    {
      name: 'Email/get',
      args: {
        list: [
          { threadId: 'x', 'a/b~c': 1 },
          { threadId: 'y', emailIds: ['1', '2'] },
          { threadId: 'x', emailIds: ['3'] },
        ],
      },
      callId: 't1',
    },
  ];
  const resolved = (resultOf: string, name: string, path: string): JsonObject =>
    resolveReferences({ '#ids': { resultOf, name, path } }, answers);

  test('a list, every item of a list, lists of lists made flat, escapes of RFC 6901', () => {
    assert.deepEqual(resolved('t0', 'Email/query', '/ids'), { ids: ['a', 'b'] });
    assert.deepEqual(resolved('t0', 'Email/query', '/ids/1'), { ids: 'b' });
    assert.deepEqual(resolved('t1', 'Email/get', '/list/*/threadId'), { ids: ['x', 'y', 'x'] });
    assert.deepEqual(resolved('t1', 'Email/get', '/list/0/a~1b~0c'), { ids: 1 });
    const two = [{ name: 'Thread/get', args: { list: [{ emailIds: ['1', '2'] }, { emailIds: ['3'] }] }, callId: 't2' }];
    assert.deepEqual(
      resolveReferences({ '#ids': { resultOf: 't2', name: 'Thread/get', path: '/list/*/emailIds' } }, two),
      { ids: ['1', '2', '3'] },
    );
  });

  const refused = (work: () => unknown, type: string): void => {
    assert.throws(work, (error) => error instanceof MethodError && error.type === type);
  };
  test('what leads nowhere is refused', () => {
    refused(() => resolved('t9', 'Email/query', '/ids'), 'invalidResultReference');
    refused(() => resolved('t0', 'Email/get', '/ids'), 'invalidResultReference');
    refused(() => resolved('t0', 'Email/query', '/nothing'), 'invalidResultReference');
    refused(() => resolved('t0', 'Email/query', '/ids/01'), 'invalidResultReference');
    refused(() => resolved('t0', 'Email/query', 'ids'), 'invalidResultReference');
    refused(() => resolved('t0', 'Email/query', '/__proto__'), 'invalidResultReference');
    refused(() => resolveReferences({ '#ids': 'x' }, answers), 'invalidResultReference');
    refused(() => resolveReferences({ '#ids': {}, ids: [] }, answers), 'invalidArguments');
  });
});

describe('calls one after the other', () => {
  const echo: Method<string> = { name: 'Core/echo', capability: CORE, run: ({ args }) => Promise.resolve(args) };
  const failing = (error: Error): Method<string> => ({
    name: 'Email/get',
    capability: MAIL,
    run: async () => {
      throw error;
    },
  });
  const run = async (methodCalls: unknown, methods: readonly Method<string>[], using = [CORE, MAIL]) => {
    const faults: string[] = [];
    const response = await carryOut(readRequest(JSON.stringify({ using, methodCalls }), KNOWN), {
      methods: new Map(methods.map((method) => [method.name, method])),
      context: '',
      sessionState: 's',
      signal: AbortSignal.timeout(60_000),
      onFault: (_error, method) => faults.push(method),
    });
    return { answers: response.methodResponses, faults };
  };

  test('an error does not keep the next call from running, and a bug is told to the log alone', async () => {
    const { answers, faults } = await run(
      [
        ['Email/get', {}, 'a'],
        ['Core/echo', { x: 1 }, 'b'],
      ],
      [echo, failing(new Error('a secret detail'))],
    );
    assert.deepEqual(answers, [
      ['error', { type: 'serverFail', description: 'an internal error; see the log of the server' }, 'a'],
      ['Core/echo', { x: 1 }, 'b'],
    ]);
    assert.deepEqual(faults, ['Email/get']);
  });

  test('failures of the store have their method error', async () => {
    const { answers, faults } = await run([['Email/get', {}, 'a']], [failing(new Failure('UNAVAILABLE', 'away'))]);
    assert.deepEqual(answers, [['error', { type: 'serverUnavailable', description: 'away' }, 'a']]);
    assert.deepEqual(faults, []);
  });

  test('a method of a capability that is not in use is unknown', async () => {
    const { answers } = await run([['Core/echo', {}, 'a']], [echo], [MAIL]);
    assert.equal(answers[0]?.[0], 'error');
    assert.equal(answers[0]?.[1]['type'], 'unknownMethod');
  });
});
