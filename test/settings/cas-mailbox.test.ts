/** Must show 1 of the milestone, second half: what Set-CASMailbox does to the person, at the next logon and at once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CAS_EFFECTS } from './cas-mailbox-effects.ts';
import { testEffects } from './effects.ts';
import { IMAP, POP } from './mail-protocol-effects.ts';
import { IMAP_ANSWER, LINE, say, SettingsStage } from './stage.ts';

let stage: SettingsStage;
before(async () => {
  stage = await SettingsStage.open();
});
after(() => stage.close());

testEffects(CAS_EFFECTS, () => stage);

for (const { prefix, logOn, noop } of [POP, IMAP]) {
  test(`${prefix}Enabled false ends the sessions of this person, and no other`, async () => {
    const theirs = await logOn(stage, stage.alice);
    const other = await logOn(stage, stage.bob);
    const waiting = theirs.rest();
    await stage.set('CASMailbox', { Identity: stage.alice.address }, `${prefix}Enabled`, false);
    try {
      assert.match(await waiting, /CLOSED$/);
      await noop(other);
    } finally {
      await stage.set('CASMailbox', { Identity: stage.alice.address }, `${prefix}Enabled`, true);
      await stage.everybodyLeaves();
    }
  });
}

test('a switch of one protocol leaves sessions of the other alone', async () => {
  const pop = await stage.pop();
  const imap = await stage.imap();
  await stage.set('CASMailbox', { Identity: stage.alice.address }, 'PopEnabled', false);
  assert.match(await pop.rest(), /CLOSED$/);
  await say(imap, 'a NOOP', IMAP_ANSWER, /^a OK/m);
  await stage.set('CASMailbox', { Identity: stage.alice.address }, 'PopEnabled', true);
  await say(await stage.pop(), 'NOOP', LINE, /^\+OK/);
  await stage.everybodyLeaves();
});
