/**
 * Fuzz target: SASL messages and what else of a logon comes from strangers. Any bytes are a message or a violation;
 * a message accepted says exactly what was sent; a name leads to a handful of look-ups, however odd.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { parseVerifier } from '../src/auth/argon2id.ts';
import { parsePlain } from '../src/auth/mechanisms/plain.ts';
import { parseClientFinal, parseClientFirst } from '../src/auth/mechanisms/scram.ts';
import { preparedName, preparedPassword } from '../src/auth/prepared.ts';
import { logonCandidates } from '../src/directory/names.ts';
import { ProtocolViolation } from '../src/observe/failure.ts';

export const name = 'sasl';

const DOMAINS = { default: 'example.org', accepted: ['example.org', 'bücher.example'], organization: 'Example' };
/** UPN or address, DOMAIN\user in two domains, alias. */
const LOOK_UPS = 4;

export function seeds(): Buffer[] {
  return [
    '\0ann@example.org\0correct horse',
    'ann\0ann\0secret',
    'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
    'y,a=ann=2Cb,n=ann=3D,r=abc,x=y',
    'p=tls-exporter,,n=ann,r=abc',
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    'c=biws,r=abc,e=1,p=AA==',
    'EXAMPLE\\ann',
    'bücher.example/ann',
    'ann@bücher.example',
    'I\u00adX\u2168\u0627',
    '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
  ].map((text) => Buffer.from(text, 'utf8'));
}

export function run(input: Buffer): void {
  const plain = accepted(() => parsePlain(input));
  if (plain !== null) {
    const again = Buffer.from(`${plain.authorizationId}\0${plain.name}\0${plain.password}`, 'utf8');
    assert.ok(again.equals(input), 'PLAIN says something else than was sent');
    assert.ok(plain.name !== '');
  }
  const first = accepted(() => parseClientFirst(input));
  if (first !== null) {
    assert.equal(first.gs2Header + first.bare, input.toString('utf8'));
    assert.ok(first.name !== '' && first.nonce !== '');
    assert.ok(!/[,\u0000]/.test(first.nonce));
  }
  const final = accepted(() => parseClientFinal(input));
  if (final !== null) {
    const text = input.toString('utf8');
    assert.ok(text.startsWith(`${final.withoutProof},p=`));
    assert.ok(final.withoutProof.includes(`,r=${final.nonce}`));
  }
  const text = input.toString('utf8');
  assert.ok(logonCandidates(preparedName(text), DOMAINS).length <= LOOK_UPS);
  const prepared = preparedPassword(text);
  if (prepared !== null) assert.equal(preparedPassword(prepared), prepared, 'SASLprep is not stable');
  const verifier = parseVerifier(text);
  if (verifier !== null) assert.ok(verifier.memory <= 1024 * 1024 && verifier.salt.length >= 8);
}

/** Null: refused as it should be. Any other error ends the run. */
function accepted<T>(parse: () => T): T | null {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ProtocolViolation) return null;
    throw error;
  }
}
