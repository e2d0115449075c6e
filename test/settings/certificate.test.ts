/** A certificate that is renewed on disk is shown to the next client of every protocol; who is in stays in. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { IMAP_ANSWER, OTHER_NAME, say, SettingsStage } from './stage.ts';

/** Files are looked at every second; the rest is for a machine that is busy. */
const GIVE_UP_MS = 5_000;
const LOOK_AGAIN_MS = 50;

let stage: SettingsStage;
before(async () => {
  stage = await SettingsStage.open();
});
after(() => stage.close());

test('a renewed certificate counts for new connections, without a restart and without ending any', async () => {
  const { imap, pop3, smtp } = stage.organization;
  const ports = [imap.tls, pop3.tls, smtp.submissions];
  const serials = (): Promise<readonly string[]> =>
    Promise.all(ports.map((port) => stage.certificateOn(port, OTHER_NAME, 'serial')));
  const open = await stage.imap();
  const before = await serials();
  assert.equal(new Set(before).size, 1);
  await stage.organization.renewCertificate([OTHER_NAME, 'webmail.example.test']);
  const giveUp = performance.now() + GIVE_UP_MS;
  for (;;) {
    const now = await serials();
    if (now.every((serial) => serial !== before[0])) break;
    assert.ok(performance.now() < giveUp, 'the old certificate is still shown');
    await delay(LOOK_AGAIN_MS);
  }
  await say(open, 'a NOOP', IMAP_ANSWER, /^a OK/m);
  // A name that it did not have before can be set at once.
  await stage.set('ImapSettings', {}, 'X509CertificateName', 'webmail.example.test');
  assert.equal(await stage.certificateOn(imap.tls, null), OTHER_NAME);
  await stage.set('ImapSettings', {}, 'X509CertificateName', 'localhost');
  await stage.everybodyLeaves();
});
