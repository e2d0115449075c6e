/**
 * Where mail programs look for their settings before they know a password: Thunderbird's autoconfiguration, Outlook's
 * Autodiscover, Apple's profiles. One computation for all (directory/client-offer.ts). Nobody logs on here, so every
 * address of a domain gets the same answer, and nothing is offered that is off.
 */
import { type ClientOffer, clientOffer } from '../../directory/client-offer.ts';
import type { Directory } from '../../directory/api.ts';
import { splitAddress } from '../../directory/names.ts';
import { Failure } from '../../observe/failure.ts';
import type { CertificateStore } from '../../tls/certificates.ts';
import { readBody, type WebExchange, type WebHandler } from '../https-host.ts';
import { autoconfig } from './autoconfig.ts';
import { autodiscoverV2, isOutlookSchema, poxError, poxResponse, readPoxRequest } from './autodiscover.ts';
import { mobileconfig } from './mobileconfig.ts';

export interface DiscoveryOptions {
  readonly directory: Directory;
  readonly certificates: Pick<CertificateStore, 'covering' | 'signed'>;
  /** Named where a client came by a name that no certificate has. */
  readonly fqdn: string;
  /** For tests. */
  readonly now?: () => Date;
}

/** An Autodiscover request names an address and a schema. */
export const POX_BYTES = 16 * 1024;
const ADDRESS_CHARACTERS = 256;
/** Programs ask at set-up and now and then; admins change settings and want to see it. */
const CACHE = 'max-age=60';

export function discoveryHandlers(options: DiscoveryOptions): readonly WebHandler[] {
  const thunderbird = (exchange: WebExchange): Promise<void> => serveAutoconfig(options, exchange);
  const outlook = (exchange: WebExchange): Promise<void> => serveAutodiscover(options, exchange);
  return [
    { prefix: '/.well-known/autoconfig/mail/config-v1.1.xml', handle: thunderbird },
    { prefix: '/mail/config-v1.1.xml', handle: thunderbird },
    { prefix: '/autodiscover/', handle: outlook },
    // Older Outlooks write it so.
    { prefix: '/Autodiscover/', handle: outlook },
    { prefix: '/discovery/apple.mobileconfig', handle: (exchange) => serveMobileconfig(options, exchange) },
  ];
}

async function serveAutoconfig({ directory }: DiscoveryOptions, exchange: WebExchange): Promise<void> {
  onlyBy(exchange, ['GET', 'HEAD']);
  const address = exchange.url.searchParams.get('emailaddress');
  const domain = address === null ? hostDomain(exchange) : domainOf(address);
  const offer = await offerOf(directory, domain);
  if (offer === null) throw nothingFor(domain);
  send(exchange, 200, 'text/xml; charset=utf-8', autoconfig(offer), CACHE);
}

async function serveAutodiscover(options: DiscoveryOptions, exchange: WebExchange): Promise<void> {
  const path = exchange.url.pathname.toLowerCase();
  if (path === '/autodiscover/autodiscover.xml') {
    await servePox(options, exchange);
    return;
  }
  if (path !== '/autodiscover/autodiscover.json' && !path.startsWith('/autodiscover/autodiscover.json/v1.0/'))
    throw nothingAt(exchange);
  onlyBy(exchange, ['GET', 'HEAD']);
  const { status, body } = autodiscoverV2(parameter(exchange.url, 'protocol'), baseOf(options, exchange));
  send(exchange, status, 'application/json; charset=utf-8', JSON.stringify(body), CACHE);
}

async function servePox({ directory, now = () => new Date() }: DiscoveryOptions, exchange: WebExchange): Promise<void> {
  onlyBy(exchange, ['POST']);
  const refuse = (code: 500 | 600 | 601, text: string): void =>
    send(exchange, 200, 'text/xml; charset=utf-8', poxError(code, text, now()), 'no-store');
  const body = (await readBody(exchange.request, POX_BYTES)).toString('utf8');
  let request: ReturnType<typeof readPoxRequest>;
  try {
    request = readPoxRequest(body);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    refuse(600, error.message);
    return;
  }
  const offer = await offerOf(directory, splitAddress(request.address)?.domain ?? '');
  if (offer === null) refuse(500, 'No settings are published for this address.');
  else if (!isOutlookSchema(request)) refuse(601, 'Only settings for IMAP, POP3 and SMTP are served here.');
  else send(exchange, 200, 'text/xml; charset=utf-8', poxResponse(offer, request.address), 'no-store');
}

async function serveMobileconfig({ directory, certificates }: DiscoveryOptions, exchange: WebExchange): Promise<void> {
  onlyBy(exchange, ['GET', 'HEAD']);
  const address = exchange.url.searchParams.get('address') ?? '';
  const offer = await offerOf(directory, domainOf(address));
  const profile = offer === null ? null : mobileconfig(offer, address);
  if (profile === null) throw nothingFor(domainOf(address));
  exchange.response.setHeader('content-disposition', 'attachment; filename="mail.mobileconfig"');
  const signed = certificates.signed(Buffer.from(profile), hostName(exchange));
  send(exchange, 200, 'application/x-apple-aspen-config', signed, 'no-store');
}

/** Null: another domain, or one for which nothing is published. */
async function offerOf(directory: Directory, domain: string): Promise<ClientOffer | null> {
  const offer = await clientOffer(directory, domain);
  return offer !== null && offer.imap.length + offer.pop.length + offer.smtp.length > 0 ? offer : null;
}

/** @throws Failure CLIENTBUG */
function domainOf(address: string): string {
  const parts = address.length > ADDRESS_CHARACTERS ? null : splitAddress(address);
  if (parts === null || /\s/.test(address))
    throw new Failure('CLIENTBUG', `a mail address of ${ADDRESS_CHARACTERS} characters at most is needed`);
  return parts.domain;
}

/** Case of parameter names differs between programs. */
function parameter(url: URL, name: string): string | null {
  for (const [key, value] of url.searchParams) if (key.toLowerCase() === name) return value;
  return null;
}

/** Without port and trailing dot, lower case; null: none, or no name. */
function hostName({ request }: WebExchange): string | null {
  const name = (request.headers.host ?? '').replace(/:\d+$/, '').replace(/\.$/, '').toLowerCase();
  return /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name) ? name : null;
}

const hostDomain = (exchange: WebExchange): string =>
  (hostName(exchange) ?? '').replace(/^(autoconfig|autodiscover)\./, '');

/** What the client typed when it is a name of ours, so that its certificate check goes on as it began. */
function baseOf({ certificates, fqdn }: DiscoveryOptions, exchange: WebExchange): string {
  const name = hostName(exchange);
  const port = /:\d+$/.exec(exchange.request.headers.host ?? '')?.[0] ?? '';
  return name !== null && certificates.covering(name) !== null ? `https://${name}${port}` : `https://${fqdn}`;
}

/** @throws Failure CLIENTBUG */
function onlyBy({ request, response }: WebExchange, methods: readonly string[]): void {
  if (methods.includes(request.method ?? '')) return;
  response.setHeader('allow', methods.join(', '));
  throw new Failure('CLIENTBUG', `only ${methods.join(' and ')} are served here`);
}

const nothingAt = ({ url }: WebExchange): Failure =>
  new Failure('NONEXISTENT', `there is nothing at ${url.pathname.slice(0, 200)}`);

const nothingFor = (domain: string): Failure =>
  new Failure('NONEXISTENT', `no settings for mail programs are published for ${domain.slice(0, 200)}`);

function send(
  { request, response }: WebExchange,
  status: number,
  type: string,
  body: string | Buffer,
  cache: string,
): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': cache,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
