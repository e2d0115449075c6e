/**
 * Fuzz target: what a client of JMAP sends. A body is refused with a problem document or becomes a request within its
 * limits; references within it end, in a bounded answer or a method error; a Range header means octets that are there.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { rangeOf, RangeRefused, readRange } from '../src/web/jmap/http/ranges.ts';
import { MethodError } from '../src/web/jmap/method-error.ts';
import { REFERENCED_VALUES, resolveReferences } from '../src/web/jmap/references.ts';
import { JMAP_LIMITS, readRequest, RequestRefused } from '../src/web/jmap/request.ts';

export const name = 'jmap-request';

const CAPABILITIES = new Set(['urn:ietf:params:jmap:core', 'urn:ietf:params:jmap:mail']);
const SIZE = 1000;

export function seeds(): Buffer[] {
  const using = [...CAPABILITIES];
  return [
    JSON.stringify({ using, methodCalls: [['Email/get', { accountId: 'a', ids: ['M1'] }, 'c']] }),
    JSON.stringify({
      using,
      createdIds: { x: 'M1' },
      methodCalls: [
        ['Email/query', { list: [{ ids: ['a', 'b'] }, { ids: ['c'] }], '~a/b': 1 }, '0'],
        ['Email/get', { '#ids': { resultOf: '0', name: 'Email/query', path: '/list/*/ids' } }, '1'],
        ['Email/get', { '#ids': { resultOf: '0', name: 'Email/query', path: '/~0a~1b' } }, '2'],
        ['Email/get', { '#ids': { resultOf: '0', name: 'Email/query', path: '/list/0/ids/1' }, ids: null }, '3'],
      ],
    }),
    `{"using":["urn:ietf:params:jmap:core"],"methodCalls":[["a",${'['.repeat(70)}${']'.repeat(70)},"c"]]}`,
    '{"using":[],"methodCalls":[],"__proto__":{"x":1},"createdIds":{"__proto__":"y"}}',
    'bytes=0-99',
    'bytes=-5',
    'bytes=999999999999999-',
    'bytes=0-1,5-6',
  ].map((seed) => Buffer.from(seed));
}

export function run(input: Buffer): void {
  const text = input.toString('utf8');
  checkRange(text);
  try {
    const { calls, using } = readRequest(text, CAPABILITIES);
    assert.ok(calls.length <= JMAP_LIMITS.maxCallsInRequest);
    assert.ok(using.every((one) => CAPABILITIES.has(one)));
    // Each call is taken for the answer to itself: the references of those behind it go into it.
    for (const [index, { args }] of calls.entries()) checkReferences(args, calls.slice(0, index));
  } catch (error) {
    assert.ok(error instanceof RequestRefused, String(error));
    assert.ok(error.problem.status === 400 && error.problem.detail.length > 0);
  }
}

function checkReferences(...[args, answers]: Parameters<typeof resolveReferences>): void {
  try {
    const resolved = resolveReferences(args, answers);
    for (const key of Object.keys(args)) assert.ok(Object.hasOwn(resolved, key.startsWith('#') ? key.slice(1) : key));
    for (const value of Object.values(resolved))
      if (Array.isArray(value)) assert.ok(value.length <= Math.max(REFERENCED_VALUES, JSON.stringify(args).length));
  } catch (error) {
    assert.ok(error instanceof MethodError, String(error));
  }
}

function checkRange(header: string): void {
  const wanted = readRange(header);
  if (wanted === null) return;
  try {
    const { start, end } = rangeOf(wanted, SIZE);
    assert.ok(start >= 0 && start < end && end <= SIZE, `${start} ${end}`);
  } catch (error) {
    assert.ok(error instanceof RangeRefused, String(error));
  }
}
