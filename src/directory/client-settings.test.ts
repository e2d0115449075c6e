import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestFirst, clientSettings, submissionSettings } from './client-settings.ts';
import { defaultConnectors } from './connectors.ts';
import { serverId } from './model.ts';
import { imapSettingsSchema, popSettingsSchema } from './settings/mail-protocol.ts';
import { connectionSetting, listOf } from './settings/value-types.ts';

const fqdn = 'mail1.example.org';
const server = { id: serverId('1'), name: 'MAIL1', fqdn, frontEnd: true, backEnd: true };
const list = listOf(connectionSetting);
const parsed = (text: string) => list.parse(text) ?? assert.fail(text);
const clientFrontEnd = () =>
  defaultConnectors(server).find(({ name }) => name === 'Client Frontend MAIL1') ?? assert.fail('no connector');

test('SSL before TLS before none, else in the order of the admin', () => {
  for (const [given, best] of [
    ['a:110:TLS,a:995:SSL', 'a:995:SSL, a:110:TLS'],
    ['a:110,b:110:TLS', 'b:110:TLS, a:110'],
    ['a:1:SSL,b:2:SSL', 'a:1:SSL, b:2:SSL'],
    ['', ''],
  ] as const)
    assert.equal(list.format(bestFirst(parsed(given))), best);
});

test('after setup users outside see nothing, users inside the defaults (§7.1)', () => {
  const settings = clientSettings({
    pop: popSettingsSchema.defaults({ fqdn }),
    imap: imapSettingsSchema.defaults({ fqdn }),
    connectors: defaultConnectors(server),
  });
  assert.deepEqual(settings.external, { pop: [], imap: [], smtp: [] });
  assert.equal(list.format(settings.internal.pop), `${fqdn}:995:SSL, ${fqdn}:110:TLS`);
  assert.equal(list.format(settings.internal.imap), `${fqdn}:993:SSL, ${fqdn}:143:TLS`);
  assert.deepEqual(settings.internal.smtp, []);
});

test('an advertised connector gives name, port of the first binding and TLS', () => {
  const base = { ...clientFrontEnd(), fqdn: 'dublin01.contoso.com' };
  const shown = (connector: Partial<typeof base>): string =>
    list.format(submissionSettings([{ ...base, advertiseClientSettings: true, ...connector }]));
  assert.equal(shown({}), 'dublin01.contoso.com:587:TLS, dublin01.contoso.com:465:SSL');
  assert.equal(shown({ implicitTlsBindings: [] }), 'dublin01.contoso.com:587:TLS');
  assert.equal(shown({ implicitTlsBindings: [], authMechanism: ['BasicAuth'] }), 'dublin01.contoso.com:587');
  assert.equal(shown({ bindings: [] }), 'dublin01.contoso.com:465:SSL');
  assert.equal(shown({ enabled: false }), '');
  assert.equal(shown({ advertiseClientSettings: false }), '');
});
