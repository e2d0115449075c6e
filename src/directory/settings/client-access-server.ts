/**
 * Get-/Set-ClientAccessServer: settings that IMAP4, POP3, SMTP and web front ends of one server share, and the port where
 * other servers ask. Not in Exchange.
 */
import type { ClientAccessServerSettings } from '../model.ts';
import { SettingsSchema } from './schema.ts';
import * as type from './value-types.ts';

export const clientAccessServerSchema = new SettingsSchema<ClientAccessServerSettings>('ClientAccessServer', {
  proxyProtocolIpRanges: {
    name: 'ProxyProtocolIPRanges',
    type: type.listOf(type.ipRange),
    scope: 'frontEnd',
    effect: 'new-sessions',
    help: 'Load balancers: connections from these addresses must begin with a PROXY protocol header (version 1 or 2), which names the client for limits, logs, connectors and Received fields. From all others a header is never believed.',
    initial: () => [],
  },
  backEndHttpsPort: {
    name: 'BackEndHttpsPort',
    type: type.integer({ min: 1, max: 65_535 }),
    scope: 'backEnd',
    effect: 'listeners',
    help: 'Where other back ends of the organization reach this one, to move mailboxes. Only they get in, by their certificates; clients need not reach it. Open while there is another back end.',
    initial: () => 444,
  },
});
