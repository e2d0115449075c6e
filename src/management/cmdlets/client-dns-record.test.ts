import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClientOffer } from '../../directory/client-offer.ts';
import { clientDnsRecords } from './client-dns-record.ts';

const OFFER: ClientOffer = {
  domain: 'bücher.example',
  organization: 'Test',
  imap: [
    { host: 'mail.bücher.example', port: 993, encryption: 'SSL' },
    { host: 'mail.bücher.example', port: 143, encryption: 'TLS' },
  ],
  pop: [],
  smtp: [{ host: 'mail.bücher.example', port: 587, encryption: 'TLS' }],
};

describe('DNS records for mail programs (RFC 6186, RFC 8314)', () => {
  const of = (offer: ClientOffer, webHost: string | null): string[] =>
    clientDnsRecords(offer, webHost).map(({ name, type, data }) => `${name} ${type} ${data}`);

  test('what is offered, what is not, and names in their ASCII spelling', () => {
    assert.deepEqual(of(OFFER, null), [
      '_imaps._tcp.xn--bcher-kva.example. SRV 0 1 993 mail.xn--bcher-kva.example.',
      '_imap._tcp.xn--bcher-kva.example. SRV 10 1 143 mail.xn--bcher-kva.example.',
      '_pop3s._tcp.xn--bcher-kva.example. SRV 0 0 0 .',
      '_pop3._tcp.xn--bcher-kva.example. SRV 0 0 0 .',
      '_submissions._tcp.xn--bcher-kva.example. SRV 0 0 0 .',
      '_submission._tcp.xn--bcher-kva.example. SRV 10 1 587 mail.xn--bcher-kva.example.',
    ]);
  });

  test('where programs ask over HTTPS', () => {
    assert.deepEqual(of(OFFER, 'web.example').slice(-3), [
      'autoconfig.xn--bcher-kva.example. CNAME web.example.',
      'autodiscover.xn--bcher-kva.example. CNAME web.example.',
      '_autodiscover._tcp.xn--bcher-kva.example. SRV 0 1 443 web.example.',
    ]);
  });
});
