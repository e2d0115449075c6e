import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountId } from '../directory/model.ts';
import { DELAYED_MAILBOXES, LoginDelay } from './login-delay.ts';

function clocked(seconds: number): { delay: LoginDelay; pass: (ms: number) => void; set: (seconds: number) => void } {
  let now = 0;
  let inForce = seconds;
  const delay = new LoginDelay(
    () => inForce,
    () => now,
  );
  return { delay, pass: (ms) => (now += ms), set: (next) => (inForce = next) };
}

const ann = accountId('ann');
const bob = accountId('bob');

test('counts from the logon, for each mailbox by itself', () => {
  const { delay, pass } = clocked(60);
  assert.equal(delay.remaining(ann), 0);
  delay.loggedOn(ann);
  assert.equal(delay.remaining(ann), 60);
  assert.equal(delay.remaining(bob), 0);
  pass(59_001);
  assert.equal(delay.remaining(ann), 1);
  pass(999);
  assert.equal(delay.remaining(ann), 0);
});

test('a change of the setting counts at once', () => {
  const { delay, pass, set } = clocked(60);
  delay.loggedOn(ann);
  pass(10_000);
  set(20);
  assert.equal(delay.remaining(ann), 10);
  set(0);
  assert.equal(delay.remaining(ann), 0);
  delay.loggedOn(ann);
  set(60);
  assert.equal(delay.remaining(ann), 0, 'a logon without a delay is not remembered');
});

test('forgets what is over, and never holds more than DELAYED_MAILBOXES', () => {
  const { delay, pass } = clocked(3600);
  for (let i = 0; i <= DELAYED_MAILBOXES; i += 1) delay.loggedOn(accountId(`a${i}`));
  assert.equal(delay.remaining(accountId('a0')), 0, 'the oldest one went');
  assert.equal(delay.remaining(accountId('a1')), 3600);
  pass(3_600_000);
  delay.loggedOn(ann);
  assert.equal(delay.remaining(accountId('a2')), 0);
});
