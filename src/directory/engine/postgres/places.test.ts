import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../observe/failure.ts';
import { PLACES, placesOf } from './places.ts';

test('one URL may name several hosts; each becomes a place of its own, named without the password', () => {
  const [first, second, third] = placesOf([
    'postgresql://pen%20fold:se%40cret@db1.example.org:5433,[2001:db8::2]/mail?sslmode=verify-full&target_session_attrs=read-write',
    'postgres://db3/other',
  ]);
  assert.equal(first?.name, 'db1.example.org:5433/mail');
  assert.equal(first?.url, 'postgresql://pen%20fold:se%40cret@db1.example.org:5433/mail?sslmode=verify-full');
  assert.equal(second?.name, '[2001:db8::2]:5432/mail');
  assert.equal(third?.url, 'postgres://db3/other');
});

test('what is no such URL is refused in words that hold none of it', () => {
  const bad = [
    '',
    'mysql://user:hunter2@db/mail',
    'postgres://user:hunter2@db:port/mail',
    'postgres://user:hunter2@db/mail?target_session_attrs=standby',
    `postgres://user:hunter2@${Array.from({ length: PLACES + 1 }, (_, n) => `db${n}`).join(',')}/mail`,
  ];
  for (const url of bad)
    assert.throws(
      () => placesOf([url]),
      (error) => error instanceof Failure && error.code === 'CANNOT' && !error.message.includes('hunter2'),
      url,
    );
  assert.throws(() => placesOf([]), Failure);
});
