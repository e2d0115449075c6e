/**
 * The envelope of an EmailSubmission (RFC 8621 §7): as the client gives it, with the parameters of the SMTP extensions
 * that are spoken here, or made of the header of the message. Pure.
 */
import type { Buffer } from 'node:buffer';
import { parseAddressList } from '../../../message/address-list.ts';
import { type MailAddress, mailAddress, parseAddress } from '../../../smtp/grammar/address.ts';
import { fieldText, type HeaderField } from '../../../smtp/server/header-fields.ts';
import { MAX_DELAYED_SEND } from '../../../transport/held/held-mail.ts';
import { isArray, isObject, type Json, type JsonObject, property } from '../json.ts';
import { SetError } from '../method-error.ts';

type Notify = 'SUCCESS' | 'FAILURE' | 'DELAY';

export interface EnvelopeAddress {
  readonly address: MailAddress;
  /** RFC 3461 §4.1; null: nothing was said; empty: NEVER. */
  readonly notify: readonly Notify[] | null;
}

export interface SubmissionEnvelope {
  /** Null: the null reverse-path. */
  readonly mailFrom: MailAddress | null;
  readonly recipients: readonly EnvelopeAddress[];
  /** Milliseconds since 1970; null: at once. */
  readonly releaseAt: number | null;
  readonly dsn: { readonly ret: 'FULL' | 'HDRS' | null; readonly envelopeId: string | null } | null;
  /** As the object shows it. */
  readonly json: JsonObject;
}

/** Of the capability (RFC 8621 §1.3.2): what `parameters` may hold. */
export const SUBMISSION_EXTENSIONS = { FUTURERELEASE: [], DSN: [], SIZE: [], '8BITMIME': [], SMTPUTF8: [] } as const;

/** @throws SetError invalidProperties, invalidRecipients, noRecipients */
export function givenEnvelope(json: JsonObject, now: number): SubmissionEnvelope {
  const from = property(json, 'mailFrom') ?? null;
  const to = property(json, 'rcptTo') ?? null;
  if (!isObject(from) || !isArray(to)) throw wrong('an envelope has mailFrom and rcptTo');
  const { email, parameters } = addressObject(from);
  const mailFrom = email === '' ? null : parseAddress(email);
  if (email !== '' && mailFrom === null) throw wrong('mailFrom is no mail address');
  const seen = new Map<string, EnvelopeAddress>();
  const invalid: string[] = [];
  for (const one of to) {
    if (!isObject(one)) throw wrong('rcptTo is a list of objects');
    const recipient = addressObject(one);
    const address = parseAddress(recipient.email);
    if (address === null) invalid.push(recipient.email);
    else seen.set(keyOf(address), seen.get(keyOf(address)) ?? { address, notify: notifyOf(recipient.parameters) });
  }
  return {
    mailFrom,
    ...senderParameters(parameters, now),
    recipients: checkedRecipients(seen, invalid),
    json,
  };
}

/** Out of Sender or From, and To, Cc, Bcc. `allowed`: null: MAIL FROM is the identity's address instead. */
export function envelopeOfHeader(
  header: Buffer,
  fields: readonly HeaderField[],
  identity: MailAddress,
  isOfIdentity: (address: MailAddress) => boolean,
): SubmissionEnvelope {
  const addressesOf = (name: string): readonly (MailAddress | string)[] =>
    fields
      .filter((field) => field.name === name)
      .flatMap((field) => parseAddressList(fieldText(header, field)))
      .filter(({ host }) => host !== null)
      .map(({ mailbox, host }) => checked(mailbox ?? '', host ?? ''));
  const [sender = addressesOf('from')[0]] = addressesOf('sender');
  const mailFrom = typeof sender === 'object' && isOfIdentity(sender) ? sender : identity;
  const seen = new Map<string, EnvelopeAddress>();
  const invalid: string[] = [];
  for (const address of ['to', 'cc', 'bcc'].flatMap(addressesOf)) {
    if (typeof address === 'string') invalid.push(address);
    else seen.set(keyOf(address), { address, notify: null });
  }
  const recipients = checkedRecipients(seen, invalid);
  return {
    mailFrom,
    recipients,
    releaseAt: null,
    dsn: null,
    json: {
      mailFrom: { email: mailFrom.text, parameters: null },
      rcptTo: recipients.map(({ address }) => ({ email: address.text, parameters: null })),
    },
  };
}

/** What is no address stays as text, to be named. */
function checked(mailbox: string, host: string): MailAddress | string {
  const { text } = mailAddress(mailbox, host);
  return parseAddress(text) ?? (host === '' ? mailbox : text);
}

const keyOf = ({ localPart, domain }: MailAddress): string => `${localPart}@${domain}`.toLowerCase();

function checkedRecipients(
  seen: ReadonlyMap<string, EnvelopeAddress>,
  invalid: readonly string[],
): readonly EnvelopeAddress[] {
  if (invalid.length > 0)
    throw new SetError('invalidRecipients', `no mail addresses: ${invalid.join(', ').slice(0, 300)}`, {
      invalidRecipients: invalid,
    });
  if (seen.size === 0) throw new SetError('noRecipients', 'nobody is named in To, Cc or Bcc');
  return [...seen.values()];
}

function addressObject(json: JsonObject): { readonly email: string; readonly parameters: JsonObject } {
  const email = property(json, 'email');
  const parameters = property(json, 'parameters') ?? {};
  if (typeof email !== 'string' || !isObject(parameters)) throw wrong('an address has email and parameters');
  return { email, parameters };
}

function senderParameters(parameters: JsonObject, now: number): Pick<SubmissionEnvelope, 'releaseAt' | 'dsn'> {
  let releaseAt: number | null = null;
  let ret: 'FULL' | 'HDRS' | null = null;
  let envelopeId: string | null = null;
  for (const [name, value] of Object.entries(parameters)) {
    switch (name.toUpperCase()) {
      case 'HOLDFOR': {
        if (releaseAt !== null || typeof value !== 'string' || !/^\d{1,9}$/.test(value))
          throw wrong('HOLDFOR is a number of seconds, alone (RFC 4865)');
        releaseAt = checkedRelease(now + Number(value) * 1000, now);
        break;
      }
      case 'HOLDUNTIL':
        if (releaseAt !== null || typeof value !== 'string') throw wrong('HOLDUNTIL is a time, alone (RFC 4865)');
        releaseAt = checkedRelease(utcTime('HOLDUNTIL', value), now);
        break;
      case 'RET':
        if (value !== 'FULL' && value !== 'HDRS') throw wrong('RET is FULL or HDRS');
        ret = value;
        break;
      case 'ENVID':
        if (typeof value !== 'string' || !/^[\x20-\x7e]{1,100}$/.test(value))
          throw wrong('ENVID has 1 to 100 ASCII characters');
        envelopeId = value;
        break;
      // Said of the message: what it really is counts.
      case 'SIZE':
      case 'BODY':
      case 'SMTPUTF8':
        break;
      default:
        throw wrong(`the parameter ${name.slice(0, 60)} is not supported`);
    }
  }
  return { releaseAt, dsn: ret === null && envelopeId === null ? null : { ret, envelopeId } };
}

/** @throws SetError */
export function utcTime(name: string, value: Json): number {
  const at =
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value)
      ? Date.parse(value)
      : Number.NaN;
  if (Number.isNaN(at))
    throw new SetError('invalidProperties', `${name} is a UTCDate such as 2026-11-30T12:00:00Z`, {
      properties: [name === 'sendAt' ? 'sendAt' : 'envelope'],
    });
  return at;
}

/** @throws SetError */
export function checkedRelease(at: number, now: number): number {
  if (at - now > MAX_DELAYED_SEND * 1000)
    throw wrong(`a message is held at most ${MAX_DELAYED_SEND} seconds (maxDelayedSend)`);
  return at;
}

function notifyOf(parameters: JsonObject): readonly Notify[] | null {
  let notify: readonly Notify[] | null = null;
  for (const [name, value] of Object.entries(parameters)) {
    if (name.toUpperCase() !== 'NOTIFY') throw wrong(`the parameter ${name.slice(0, 60)} is not supported`);
    if (typeof value !== 'string') throw wrong('NOTIFY is NEVER or a list of SUCCESS, FAILURE, DELAY');
    notify = value.toUpperCase() === 'NEVER' ? [] : value.toUpperCase().split(',').map(notifyWord);
  }
  return notify;
}

function notifyWord(word: string): Notify {
  if (word === 'SUCCESS' || word === 'FAILURE' || word === 'DELAY') return word;
  throw wrong('NOTIFY is NEVER or a list of SUCCESS, FAILURE, DELAY');
}

const wrong = (text: string): SetError => new SetError('invalidProperties', text, { properties: ['envelope'] });
