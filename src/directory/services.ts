/**
 * The components an admin starts and stops: names, side, start type after setup (exchange-behaviour.md §4).
 * POP3 and IMAP4 are Manual and stopped until somebody turns them on; both sides of a protocol must run.
 */
import { Failure } from '../observe/failure.ts';
import { nearestName } from '../config/nearest-name.ts';
import type { Server, ServiceName, ServiceState } from './model.ts';

export interface ServiceFacts {
  readonly service: ServiceName;
  readonly side: 'frontEnd' | 'backEnd';
  readonly displayName: string;
  /** Names an admin of Exchange types; all are taken, in any case. */
  readonly exchangeDisplayName: string | null;
  readonly exchangeShortNames: readonly string[];
  readonly startupType: ServiceState['startupType'];
  /** The other side of the same protocol. */
  readonly counterpart: ServiceName | null;
}

export const SERVICES: readonly ServiceFacts[] = [
  {
    service: 'pop3',
    side: 'frontEnd',
    displayName: 'Penfold POP3',
    exchangeDisplayName: 'Microsoft Exchange POP3',
    exchangeShortNames: ['MSExchangePOP3'],
    startupType: 'Manual',
    counterpart: 'pop3-backend',
  },
  {
    service: 'pop3-backend',
    side: 'backEnd',
    displayName: 'Penfold POP3 Backend',
    exchangeDisplayName: 'Microsoft Exchange POP3 Backend',
    exchangeShortNames: ['MSExchangePOP3BE'],
    startupType: 'Manual',
    counterpart: 'pop3',
  },
  {
    service: 'imap4',
    side: 'frontEnd',
    displayName: 'Penfold IMAP4',
    exchangeDisplayName: 'Microsoft Exchange IMAP4',
    exchangeShortNames: ['MSExchangeIMAP4'],
    startupType: 'Manual',
    counterpart: 'imap4-backend',
  },
  {
    service: 'imap4-backend',
    side: 'backEnd',
    displayName: 'Penfold IMAP4 Backend',
    exchangeDisplayName: 'Microsoft Exchange IMAP4 Backend',
    exchangeShortNames: ['MSExchangeIMAP4BE'],
    startupType: 'Manual',
    counterpart: 'imap4',
  },
  {
    service: 'frontend-transport',
    side: 'frontEnd',
    displayName: 'Penfold Frontend Transport',
    exchangeDisplayName: 'Microsoft Exchange Frontend Transport',
    exchangeShortNames: ['MSExchangeFrontEndTransport'],
    startupType: 'Automatic',
    counterpart: null,
  },
  {
    service: 'transport',
    side: 'backEnd',
    displayName: 'Penfold Transport',
    exchangeDisplayName: 'Microsoft Exchange Transport',
    exchangeShortNames: ['MSExchangeTransport'],
    startupType: 'Automatic',
    counterpart: null,
  },
  {
    service: 'web',
    side: 'frontEnd',
    displayName: 'Penfold Web',
    exchangeDisplayName: null,
    exchangeShortNames: ['W3SVC'],
    startupType: 'Automatic',
    counterpart: null,
  },
];

const factsOf: ReadonlyMap<ServiceName, ServiceFacts> = new Map(SERVICES.map((facts) => [facts.service, facts]));

export function serviceFacts(service: ServiceName): ServiceFacts {
  const facts = factsOf.get(service);
  if (facts === undefined) throw new Error(`service ${service} is missing from the table`);
  return facts;
}

/** Our name, Exchange's short name or display name, in any case. @throws Failure NONEXISTENT with the nearest name */
export function serviceByName(typed: string): ServiceFacts {
  const word = typed.trim().toLowerCase();
  for (const facts of SERVICES) {
    const names = [facts.service, facts.displayName, facts.exchangeDisplayName ?? '', ...facts.exchangeShortNames];
    if (names.some((name) => name.toLowerCase() === word)) return facts;
  }
  const nearest = nearestName(
    typed,
    SERVICES.flatMap((facts) => [facts.service, ...facts.exchangeShortNames]),
  );
  throw new Failure(
    'NONEXISTENT',
    `there is no service ${typed}${nearest === null ? '' : `; did you mean ${nearest}?`}`,
  );
}

/** The services a server with these roles has. */
export function servicesOf(server: Pick<Server, 'frontEnd' | 'backEnd'>): readonly ServiceFacts[] {
  return SERVICES.filter((facts) => (facts.side === 'frontEnd' ? server.frontEnd : server.backEnd));
}

/** What setup leaves behind: Automatic services run, Manual ones do not. */
export function initialState(facts: ServiceFacts): ServiceState {
  return { service: facts.service, startupType: facts.startupType, running: facts.startupType === 'Automatic' };
}
