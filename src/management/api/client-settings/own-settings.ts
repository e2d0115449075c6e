/**
 * What one person has to set his mail program to (exchange-behaviour.md §7): the published settings, inside and
 * outside, whether each protocol is on for him and runs, and the user name to type for his own mailbox and for every
 * other one he may open. The settings are those of client-settings.ts, so that this page, autoconfiguration and
 * `Get-CASMailbox -ProtocolSettings` cannot differ. Knows no JMAP.
 */
import { type Refusal, refusalOf } from '../../../auth/admission.ts';
import { delegateRefusal, mailboxNamed, namedLogon, rightsThatOpen } from '../../../auth/delegate.ts';
import type { Directory, DirectoryChange } from '../../../directory/api.ts';
import { clientOffer, publishedSettings, servicesRunning } from '../../../directory/client-offer.ts';
import { bestFirst, type ClientSettings } from '../../../directory/client-settings.ts';
import { inactiveBecauseOf } from '../../../directory/components.ts';
import type {
  Account,
  AccountId,
  ComponentName,
  ConnectionSetting,
  Server,
  ServiceName,
} from '../../../directory/model.ts';
import { splitAddress } from '../../../directory/names.ts';
import { eligibleServers } from '../../../directory/placement.ts';

export const MAIL_PROTOCOLS = ['pop', 'imap', 'smtp'] as const;
export type MailProtocol = (typeof MAIL_PROTOCOLS)[number];
/** As logons and throttles call it. */
export const LOGON_PROTOCOL = { pop: 'pop3', imap: 'imap', smtp: 'smtp' } as const;

/** `out-of-service`: an admin has taken it out for a time (Set-ServerComponentState). */
export type ProtocolState = 'running' | 'front-end-stopped' | 'back-end-stopped' | 'out-of-service';

export interface OwnProtocol {
  /** Best first; empty: not available. */
  readonly external: readonly ConnectionSetting[];
  readonly internal: readonly ConnectionSetting[];
  /** Why this person cannot log on by it; null: it is on for him. */
  readonly refused: Refusal | null;
  readonly state: ProtocolState;
}

/** A mailbox he may open, and what to type for it; null: not by this protocol. */
export interface OwnMailbox {
  readonly account: AccountId;
  readonly name: string;
  readonly address: string;
  readonly isOwn: boolean;
  readonly userNames: Readonly<Record<MailProtocol, string | null>>;
}

export interface OwnSettings {
  readonly protocols: Readonly<Record<MailProtocol, OwnProtocol>>;
  /** His own first. */
  readonly mailboxes: readonly OwnMailbox[];
  /** Programs that ask for it are told settings (web/discovery); false: there is nothing to tell. */
  readonly isAutomatic: boolean;
}

/** Other mailboxes that are listed: who may open thousands looks their names up elsewhere. */
export const MAILBOXES_LISTED = 100;

interface Sides {
  readonly frontEnd: ServiceName;
  readonly frontComponent: ComponentName;
  readonly backEnd: ServiceName;
  readonly backComponent: ComponentName;
}
const SIDES: Readonly<Record<MailProtocol, Sides>> = {
  pop: {
    frontEnd: 'pop3',
    frontComponent: 'PopProxy',
    backEnd: 'pop3-backend',
    backComponent: 'ServerWideOffline',
  },
  imap: {
    frontEnd: 'imap4',
    frontComponent: 'ImapProxy',
    backEnd: 'imap4-backend',
    backComponent: 'ServerWideOffline',
  },
  smtp: {
    frontEnd: 'frontend-transport',
    frontComponent: 'FrontendTransport',
    backEnd: 'transport',
    backComponent: 'HubTransport',
  },
};

/** Changes that can make an answer of this file another one. */
const KINDS: ReadonlySet<DirectoryChange['kind']> = new Set([
  'account',
  'component',
  'connector',
  'database',
  'domain',
  'imap-settings',
  'permission',
  'pop-settings',
  'server',
  'service',
]);
export const concernsOwnSettings = ({ kind }: DirectoryChange): boolean => KINDS.has(kind);

/** @throws Failure UNAVAILABLE */
export async function ownSettings(directory: Directory, person: Account): Promise<OwnSettings> {
  const servers = await directory.servers();
  const homes = await homesOf(directory, person, servers);
  const frontEnds = nearestFirst(
    servers.filter((server) => server.frontEnd),
    homes,
  );
  const published = await Promise.all(frontEnds.map((server) => publishedSettings(directory, server)));
  const access = await directory.clientAccess(person.id);
  const protocolOf = async (protocol: MailProtocol): Promise<OwnProtocol> => ({
    external: all(published, 'external', protocol),
    internal: all(published, 'internal', protocol),
    refused: refusalOf(person, access, LOGON_PROTOCOL[protocol])?.reason ?? null,
    state: await stateOf(directory, SIDES[protocol], frontEnds, homes),
  });
  return {
    protocols: { pop: await protocolOf('pop'), imap: await protocolOf('imap'), smtp: await protocolOf('smtp') },
    mailboxes: await mailboxesOf(directory, person),
    isAutomatic: await isAutomatic(directory, person),
  };
}

/** Servers that may serve his mailbox. */
async function homesOf(
  directory: Directory,
  { mailbox }: Account,
  servers: readonly Server[],
): Promise<readonly Server[]> {
  if (mailbox === null) return [];
  const databases = new Map((await directory.databases()).map((one) => [one.id, one]));
  return eligibleServers(mailbox, { servers: new Map(servers.map((one) => [one.id, one])), databases });
}

/** Front ends in the site of his mailbox come first: where several publish settings, theirs are preferred. */
function nearestFirst(frontEnds: readonly Server[], homes: readonly Server[]): readonly Server[] {
  const isNear = ({ site }: Server): boolean => homes.some((home) => home.site === site);
  return [...frontEnds.filter(isNear), ...frontEnds.filter((server) => !isNear(server))];
}

/** Each place once. Ports of a connector keep their order: Exchange shows the first binding (§7.1). */
function all(
  published: readonly ClientSettings[],
  side: 'internal' | 'external',
  protocol: MailProtocol,
): readonly ConnectionSetting[] {
  const settings = published.flatMap((one) => one[side][protocol]);
  const found = new Map<string, ConnectionSetting>();
  for (const setting of protocol === 'smtp' ? settings : bestFirst(settings)) {
    const key = `${setting.host.toLowerCase()}:${setting.port}`;
    if (!found.has(key)) found.set(key, setting);
  }
  return [...found.values()];
}

async function stateOf(
  directory: Directory,
  sides: Sides,
  frontEnds: readonly Server[],
  homes: readonly Server[],
): Promise<ProtocolState> {
  const front = await best(directory, frontEnds, sides.frontEnd, sides.frontComponent);
  if (front !== 'running') return front === 'stopped' ? 'front-end-stopped' : front;
  const back = await best(directory, homes, sides.backEnd, sides.backComponent);
  return back === 'stopped' ? 'back-end-stopped' : back;
}

/** Of several servers the one that serves counts. */
async function best(
  directory: Directory,
  servers: readonly Server[],
  service: ServiceName,
  component: ComponentName,
): Promise<'running' | 'stopped' | 'out-of-service'> {
  let found: 'stopped' | 'out-of-service' = 'stopped';
  for (const server of servers) {
    if (!(await servicesRunning(directory, server)).has(service)) continue;
    if (inactiveBecauseOf(await directory.componentRequests(server.id), component).length === 0) return 'running';
    found = 'out-of-service';
  }
  return found;
}

async function mailboxesOf(directory: Directory, person: Account): Promise<readonly OwnMailbox[]> {
  const name = person.userPrincipalName;
  const own: readonly OwnMailbox[] =
    person.mailbox === null
      ? []
      : [
          {
            account: person.id,
            name: person.displayName,
            address: person.mailbox.primaryAddress,
            isOwn: true,
            userNames: { pop: name, imap: name, smtp: name },
          },
        ];
  const opening = new Set(MAIL_PROTOCOLS.flatMap((protocol) => rightsThatOpen(LOGON_PROTOCOL[protocol])));
  const granted = (await directory.permissions({ user: person.id })).filter(
    ({ mailbox, rights }) => mailbox !== person.id && rights.some((right) => opening.has(right)),
  );
  const others: OwnMailbox[] = [];
  for (const { mailbox: id } of granted.slice(0, MAILBOXES_LISTED)) {
    const mailbox = await directory.account(id);
    if (mailbox?.mailbox === null || mailbox === null) continue;
    const typed = await delegateName(directory, person, mailbox);
    const nameFor = async (protocol: MailProtocol): Promise<string | null> =>
      (await delegateRefusal(directory, person, mailbox, LOGON_PROTOCOL[protocol])) === null ? typed : null;
    others.push({
      account: id,
      name: mailbox.displayName,
      address: mailbox.mailbox.primaryAddress,
      isOwn: false,
      userNames: { pop: await nameFor('pop'), imap: await nameFor('imap'), smtp: await nameFor('smtp') },
    });
  }
  return [...own, ...others.sort((a, b) => a.name.localeCompare(b.name))];
}

/** The first of the forms (§6.2) that means just this mailbox; null: names with separators in them have none. */
async function delegateName(directory: Directory, person: Account, mailbox: Account): Promise<string | null> {
  const user = person.userPrincipalName;
  const address = mailbox.mailbox?.primaryAddress ?? '';
  for (const typed of [`${user}/${mailbox.alias}`, `${user}/${address}`, `${user}*${address}`]) {
    const read = await namedLogon(directory, typed);
    if (read.mailbox === null) continue;
    const [who, whose] = [
      await directory.accountByLogonName(read.user),
      await mailboxNamed(directory, read.mailbox),
    ] as const;
    if (who?.id === person.id && whose?.id === mailbox.id) return typed;
  }
  return null;
}

async function isAutomatic(directory: Directory, { mailbox }: Account): Promise<boolean> {
  const domain = mailbox === null ? undefined : splitAddress(mailbox.primaryAddress)?.domain;
  const offer = domain === undefined ? null : await clientOffer(directory, domain);
  return offer !== null && offer.imap.length + offer.pop.length > 0 && offer.smtp.length > 0;
}
