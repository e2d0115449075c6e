/** Whose setting counts, and where links lead. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientAccessSettings, PopSettings } from '../../directory/model.ts';
import { clientAccessSchema } from '../../directory/settings/client-access.ts';
import { popSettingsSchema } from '../../directory/settings/mail-protocol.ts';
import { isAsItIs } from '../../message/render/wish.ts';
import { renderingWish, webAddressOf } from './rendering-wish.ts';

const CONTEXT = { fqdn: 'mail.example.org' };
const SERVER = popSettingsSchema.defaults(CONTEXT);
const ACCESS = clientAccessSchema.defaults(CONTEXT);
const EXTERNAL: PopSettings['externalConnectionSettings'] = [{ host: 'out.example.org', port: 995, encryption: 'SSL' }];
const OWN: Partial<ClientAccessSettings> = { popUseProtocolDefaults: false, imapUseProtocolDefaults: false };

interface Case {
  readonly server?: Partial<PopSettings>;
  readonly access?: Partial<ClientAccessSettings>;
  readonly protocol?: 'imap' | 'pop3';
  readonly format?: string;
  readonly base?: string | null;
}

const cases: Readonly<Record<string, Case>> = {
  'the defaults serve the original': {},
  'the server asks for text': { server: { messageRetrievalMimeFormat: 'TextOnly' }, format: 'TextOnly' },
  'a mailbox asks for HTML over POP3': {
    access: { ...OWN, popMessagesRetrievalMimeFormat: 'HtmlOnly' },
    format: 'HtmlOnly',
  },
  'which says nothing of IMAP': {
    access: { ...OWN, popMessagesRetrievalMimeFormat: 'HtmlOnly' },
    protocol: 'imap',
  },
  'a mailbox that uses the defaults has no say': {
    access: { popMessagesRetrievalMimeFormat: 'HtmlOnly', popForceICalForCalendarRetrievalOption: true },
    server: { calendarItemRetrievalOption: 'IntranetUrl' },
    base: 'https://mail.example.org',
  },
  'a mailbox wants the original of what the server converts': {
    server: { messageRetrievalMimeFormat: 'Tnef' },
    access: OWN,
  },
  'inside, by the name of the server': {
    server: { calendarItemRetrievalOption: 'IntranetUrl', externalConnectionSettings: EXTERNAL },
    base: 'https://mail.example.org',
  },
  'outside, by the name clients use there': {
    server: { calendarItemRetrievalOption: 'InternetUrl', externalConnectionSettings: EXTERNAL },
    base: 'https://out.example.org',
  },
  'outside, where no name is known': {
    server: { calendarItemRetrievalOption: 'InternetUrl' },
    base: 'https://mail.example.org',
  },
  'by an address of the administrator': {
    server: { calendarItemRetrievalOption: 'Custom', owaServerUrl: 'https://owa.example.org/owa' },
    base: 'https://owa.example.org/owa',
  },
  'without an address there is no link': { server: { calendarItemRetrievalOption: 'Custom' } },
  'a mailbox forces iCalendar': {
    server: { calendarItemRetrievalOption: 'IntranetUrl' },
    access: { ...OWN, popForceICalForCalendarRetrievalOption: true },
  },
  'a mailbox that does not force it follows the server': {
    server: { calendarItemRetrievalOption: 'IntranetUrl' },
    access: OWN,
    base: 'https://mail.example.org',
  },
};

for (const [name, { server, access, protocol = 'pop3', format = 'BestBodyFormat', base = null }] of Object.entries(
  cases,
)) {
  test(name, () => {
    const settings = { ...SERVER, ...server };
    const wish = renderingWish(
      protocol,
      settings,
      { ...ACCESS, ...access },
      webAddressOf('mail.example.org', settings),
    );
    assert.deepEqual(wish, { format, calendarLinkBase: base });
    assert.equal(isAsItIs(wish), format === 'BestBodyFormat' && base === null);
  });
}
