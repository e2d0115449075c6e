/**
 * Autodiscover as Outlook asks it: POX (plain old XML, MS-OXDSCLI) by POST, and its version 2 (JSON) that leads there.
 * Answers with IMAP, POP3 and SMTP, what the original does for accounts outside of Exchange. Pure: bytes in, text out.
 */
import { Parser } from 'htmlparser2';
import type { ClientOffer, ProtectedSetting } from '../../directory/client-offer.ts';
import { Failure } from '../../observe/failure.ts';
import { type Element, element, xmlDocument } from './xml.ts';

const RESPONSE = 'http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006';
const OUTLOOK_RESPONSE = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a';
/** RFC 5321 §4.5.3.1.3 allows paths of 256 octets. */
const ADDRESS_CHARACTERS = 256;
const SCHEMA_CHARACTERS = 256;

export interface PoxRequest {
  readonly address: string;
  /** Namespace of the answer that is wanted. */
  readonly schema: string;
}

/** @throws Failure CLIENTBUG */
export function readPoxRequest(text: string): PoxRequest {
  const found = new Map<string, string>();
  const wanted = new Set(['emailaddress', 'acceptableresponseschema']);
  let open: string | null = null;
  const parser = new Parser(
    {
      onopentagname: (name) => {
        // Some programs put a prefix in front (`a:EMailAddress`).
        const local = name.slice(name.indexOf(':') + 1).toLowerCase();
        open = wanted.has(local) && !found.has(local) ? local : null;
        if (open !== null) found.set(open, '');
      },
      ontext: (piece) => {
        if (open !== null) found.set(open, `${found.get(open) ?? ''}${piece}`.slice(0, 2 * ADDRESS_CHARACTERS));
      },
      onclosetag: () => {
        open = null;
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  parser.end(text);
  const address = (found.get('emailaddress') ?? '').trim();
  const schema = (found.get('acceptableresponseschema') ?? '').trim();
  if (address === '' || address.length > ADDRESS_CHARACTERS || schema.length > SCHEMA_CHARACTERS)
    throw new Failure(
      'CLIENTBUG',
      `an Autodiscover request needs EMailAddress, of ${ADDRESS_CHARACTERS} characters at most`,
    );
  return { address, schema: schema === '' ? OUTLOOK_RESPONSE : schema };
}

/** Phones ask for ActiveSync (`mobilesync`), which is not spoken here. */
export const isOutlookSchema = ({ schema }: PoxRequest): boolean => schema === OUTLOOK_RESPONSE;

export function poxResponse({ imap, pop, smtp }: ClientOffer, address: string): string {
  const protocols = [
    ...imap.map((setting) => protocol('IMAP', setting, address)),
    ...pop.map((setting) => protocol('POP3', setting, address)),
    ...smtp.map((setting) => protocol('SMTP', setting, address)),
  ];
  return answer(
    element(
      'Response',
      [
        // The address as it was typed: a name from the directory would tell strangers who exists.
        element('User', [element('DisplayName', address)]),
        element('Account', [element('AccountType', 'email'), element('Action', 'settings'), ...protocols]),
      ],
      { xmlns: OUTLOOK_RESPONSE },
    ),
  );
}

/** 500: no such address here; 600: not a request; 601: a schema that is not served (MS-OXDSCLI §2.2.4.1.1.1). */
export function poxError(code: 500 | 600 | 601, message: string, now: Date): string {
  return answer(
    element('Response', [
      element('Error', [element('ErrorCode', code), element('Message', message), element('DebugData', '')], {
        Time: now.toISOString().slice(11, 23),
        Id: '0',
      }),
    ]),
  );
}

const answer = (response: Element): string => xmlDocument(element('Autodiscover', [response], { xmlns: RESPONSE }));

function protocol(
  type: 'IMAP' | 'POP3' | 'SMTP',
  { host, port, encryption }: ProtectedSetting,
  address: string,
): Element {
  return element('Protocol', [
    element('Type', type),
    element('Server', host),
    element('Port', port),
    element('DomainRequired', 'off'),
    element('LoginName', address),
    element('SPA', 'off'),
    // Encryption counts where it is known; older programs read SSL alone, which means TLS from the first byte.
    element('SSL', encryption === 'SSL' ? 'on' : 'off'),
    element('Encryption', encryption),
    element('AuthRequired', 'on'),
    ...(type === 'SMTP' ? [element('UsePOPAuth', 'on'), element('SMTPLast', 'off')] : []),
  ]);
}

export interface JsonAnswer {
  readonly status: 200 | 400;
  readonly body: Readonly<Record<string, string>>;
}

/** Version 2: where Autodiscover of version 1 is. `base` is this service's URL without a path. */
export function autodiscoverV2(protocolName: string | null, base: string): JsonAnswer {
  if (protocolName?.toLowerCase() === 'autodiscoverv1')
    return { status: 200, body: { Protocol: 'AutodiscoverV1', Url: `${base}/autodiscover/autodiscover.xml` } };
  const given = (protocolName ?? '').slice(0, 100);
  return {
    status: 400,
    body: {
      ErrorCode: 'InvalidProtocol',
      ErrorMessage: `The given protocol value '${given}' is invalid. Supported values are 'AutodiscoverV1'`,
    },
  };
}
