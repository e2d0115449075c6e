import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../observe/failure.ts';
import {
  betweenServers,
  checkAgainstOthers,
  connectorFor,
  connectorForUsage,
  defaultConnectors,
  destinationOf,
  shiftedConnectorPorts,
} from './connectors.ts';
import { connectorId, serverId } from './model.ts';
import { serviceByName, SERVICES } from './services.ts';
import { checkConnector } from './settings/rules.ts';

const server = { id: serverId('s'), name: 'MAIL1', fqdn: 'mail1.example.org', frontEnd: true, backEnd: true };

test('the connectors of setup keep every rule, alone and together', () => {
  for (const ports of [undefined, shiftedConnectorPorts(10_000)]) {
    const all = defaultConnectors(server, ports);
    assert.equal(all.length, 5);
    for (const connector of all) {
      checkConnector(connector);
      checkAgainstOthers(
        connector,
        all.filter((other) => other !== connector),
      );
    }
  }
  assert.equal(defaultConnectors({ ...server, frontEnd: false }).length, 2);
});

test('the most specific remote range wins', () => {
  const connectors = [
    { name: 'all', remoteIpRanges: ['0.0.0.0-255.255.255.255', '::/0'] },
    { name: 'site', remoteIpRanges: ['10.0.0.0/8'] },
    { name: 'host', remoteIpRanges: ['10.1.2.3', '192.0.2.0-192.0.2.9'] },
  ];
  const cases = { '10.1.2.3': 'host', '10.1.2.4': 'site', '192.0.2.9': 'host', '192.0.2.10': 'all', '::1': 'all' };
  for (const [address, name] of Object.entries(cases)) assert.equal(connectorFor(connectors, address)?.name, name);
  assert.equal(connectorFor(connectors, '::ffff:10.1.2.3')?.name, 'host');
  assert.equal(connectorFor(connectors.slice(1), '192.0.2.10'), null);
  assert.equal(connectorFor(connectors, 'not an address'), null);
});

test('a usage says what must and what may not be given', () => {
  const bindings = [{ address: '0.0.0.0', port: 2525 }];
  const remoteIpRanges = ['10.0.0.0/8'];
  assert.equal(connectorForUsage(server, 'Client', { name: 'c', remoteIpRanges }).bindings[0]?.port, 587);
  assert.equal(connectorForUsage(server, 'Internet', { name: 'i', bindings }).permissionGroups[0], 'AnonymousUsers');
  assert.throws(() => connectorForUsage(server, 'Client', { name: 'c', bindings, remoteIpRanges }), Failure);
  assert.throws(() => connectorForUsage(server, 'Internet', { name: 'i', bindings, remoteIpRanges }), Failure);
  assert.throws(() => connectorForUsage(server, 'Custom', { name: 'x', bindings }), Failure);
});

test('services answer to our names and to those Exchange admins type', () => {
  const names = { msexchangepop3: 'pop3', MSExchangeIMAP4BE: 'imap4-backend', 'Microsoft Exchange POP3': 'pop3' };
  for (const [typed, service] of Object.entries(names)) assert.equal(serviceByName(typed).service, service);
  assert.throws(() => serviceByName('MSExchangeImp4'), /did you mean MSExchangeIMAP4\?/);
  for (const facts of SERVICES)
    if (facts.counterpart !== null)
      assert.equal(SERVICES.find((other) => other.service === facts.counterpart)?.counterpart, facts.service);
});

test('Default and Client Proxy are for other servers, the rest is for clients', async () => {
  const all = defaultConnectors(server).map((each, at) => ({ ...each, id: connectorId(String(at)) }));
  const purposes = Object.fromEntries(all.map((each) => [each.name, betweenServers(each)]));
  assert.deepEqual(purposes, {
    'Default Frontend MAIL1': null,
    'Client Frontend MAIL1': null,
    'Outbound Proxy Frontend MAIL1': null,
    'Default MAIL1': 'delivery',
    'Client Proxy MAIL1': 'client-proxy',
  });
  // One that an admin has made for a program on the inside stays one for clients.
  const relay = all.find(({ name }) => name === 'Default MAIL1');
  assert.ok(relay !== undefined);
  assert.equal(betweenServers({ ...relay, authMechanism: ['Tls'], permissionGroups: ['AnonymousUsers'] }), null);

  const directory = { connectors: async () => all };
  assert.deepEqual(await destinationOf(directory, server, 'delivery'), { host: 'mail1.example.org', port: 2525 });
  assert.deepEqual(await destinationOf(directory, server, 'client-proxy'), { host: 'mail1.example.org', port: 2465 });
  const none = { connectors: async () => all.map((each) => ({ ...each, enabled: false })) };
  await assert.rejects(destinationOf(none, server, 'delivery'), /MAIL1 has no connector/);
});
