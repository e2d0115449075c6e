/** Must show 1 of the milestone, second half: what Set-ReceiveConnector does to clients of a running server. */
import { after, before } from 'node:test';
import { CONNECTOR_EFFECTS, NARROW } from './connector-effects.ts';
import { testEffects } from './effects.ts';
import { SettingsStage } from './stage.ts';

let stage: SettingsStage;
before(async () => {
  stage = await SettingsStage.open();
  await stage.run('New-ReceiveConnector', {
    Name: NARROW.Identity,
    Custom: true,
    Bindings: `127.0.0.1:${stage.organization.smtp.inbound}`,
    RemoteIPRanges: '192.0.2.0/24',
    PermissionGroups: 'AnonymousUsers',
    Banner: '220 narrow',
  });
});
after(() => stage.close());

testEffects(CONNECTOR_EFFECTS, () => stage);
