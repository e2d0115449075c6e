/** Must show 1 of the milestone, second half: what Set-ImapSettings does to clients of a running server. */
import { after, before } from 'node:test';
import { testEffects } from './effects.ts';
import { IMAP_EFFECTS } from './mail-protocol-effects.ts';
import { SettingsStage } from './stage.ts';

let stage: SettingsStage;
before(async () => {
  stage = await SettingsStage.open();
});
after(() => stage.close());

testEffects(IMAP_EFFECTS, () => stage);
