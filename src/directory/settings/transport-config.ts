/** Get-/Set-TransportConfig: limits of the whole organization (exchange-behaviour.md §9.1). */
import type { TransportConfig } from '../model.ts';
import { SettingsSchema } from './schema.ts';
import * as type from './value-types.ts';

const MEGABYTE = 1024 * 1024;
const size = type.byteSize({ min: 0, unlimited: true });

export const transportConfigSchema = new SettingsSchema<TransportConfig>('TransportConfig', {
  maxReceiveSize: {
    name: 'MaxReceiveSize',
    type: size,
    scope: 'both',
    effect: 'live',
    help: 'Largest message a mailbox takes in, unless the mailbox has a value of its own.',
    initial: () => 10 * MEGABYTE,
  },
  maxSendSize: {
    name: 'MaxSendSize',
    type: size,
    scope: 'both',
    effect: 'live',
    help: 'Largest message a person sends, unless his mailbox has a value of its own.',
    initial: () => 10 * MEGABYTE,
  },
  maxRecipientEnvelopeLimit: {
    name: 'MaxRecipientEnvelopeLimit',
    type: type.integer({ min: 1, unlimited: true }),
    scope: 'both',
    effect: 'live',
    help: 'Recipients of one message, unless the mailbox of the sender has RecipientLimits.',
    initial: () => 500,
  },
  externalPostmasterAddress: {
    name: 'ExternalPostmasterAddress',
    type: type.mailAddress,
    scope: 'both',
    effect: 'live',
    help: 'Where reports and quota mails come from; empty: postmaster at the default accepted domain.',
    initial: () => '',
  },
});
