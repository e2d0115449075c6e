/**
 * What is probed, by whom Exchange's admins know it (exchange-behaviour.md §4): health sets POP, POP.Proxy,
 * POP.Protocol, IMAP alike, SMTP, Store, Web. Each probe is a real use of the product, not a look at a variable.
 */
import { randomUUID } from 'node:crypto';
import type { Account, ServiceName } from '../../directory/model.ts';
import { Failure } from '../../observe/failure.ts';
import type { MailboxDatabase } from '../../store/api.ts';
import { LineClient, type ProbeTarget } from '../connectivity/line-client.ts';
import { ProbeError } from '../connectivity/probe-error.ts';
import { type ProbedProtocol, testConnectivity } from '../connectivity/run.ts';
import type { FrontDoor } from '../services-of-instance.ts';

export type HealthSet =
  | 'POP'
  | 'POP.Proxy'
  | 'POP.Protocol'
  | 'IMAP'
  | 'IMAP.Proxy'
  | 'IMAP.Protocol'
  | 'SMTP'
  | 'Store'
  | 'Web';

/** What probes work with; main fills it. */
export interface ProbeServices {
  readonly fqdn: string;
  authorityPem(): Promise<string>;
  frontDoor(protocol: ProbedProtocol | 'web'): readonly FrontDoor[];
  credential(): Promise<{ readonly user: string; readonly password: string }>;
  /** The account of the probes' mailbox. */
  account(): Promise<Account>;
  databaseOf(account: Account): MailboxDatabase;
  /** Opens a session of the back end in this process and lets go of it. @throws Failure */
  openBackEnd(protocol: 'imap' | 'pop3', account: Account): Promise<void>;
  /** Back ends of other servers that this one's front ends cannot reach now, a sentence each. */
  proxyTroubles(protocol: 'imap' | 'pop3'): readonly string[];
}

export interface Probe {
  readonly name: string;
  readonly healthSet: HealthSet;
  /** While one of these does not run by an admin's will, there is nothing to probe. */
  readonly needs: readonly ServiceName[];
  /** One sentence for the admin whose alert it is. */
  readonly says: string;
  /** @throws ProbeError, Failure */
  run(services: ProbeServices): Promise<void>;
}

/** For connecting and for each answer: a probe that takes longer has failed. */
const PROBE_MS = 10_000;

function door(services: ProbeServices, protocol: ProbedProtocol | 'web'): FrontDoor {
  const doors = services.frontDoor(protocol);
  const found = doors.find((one) => one.security === 'ssl') ?? doors[0];
  if (found === undefined) throw new ProbeError('the service runs and listens nowhere: see Bindings');
  return found;
}

async function target(services: ProbeServices, protocol: ProbedProtocol | 'web'): Promise<ProbeTarget> {
  const { host, port, security } = door(services, protocol);
  return {
    host,
    port,
    connectionType: security === 'ssl' ? 'Ssl' : 'Tls',
    // The probe tests the service. Whether clients will like the certificate, `penfold doctor` says.
    serverName: services.fqdn,
    trustAny: true,
    authorities: [await services.authorityPem()],
  };
}

async function customerPath(services: ProbeServices, protocol: ProbedProtocol): Promise<void> {
  const credential = await services.credential();
  const { result, error } = await testConnectivity({
    protocol,
    target: await target(services, protocol),
    submission: null,
    credential,
    address: credential.user,
    perConnectionTimeoutMs: PROBE_MS,
    timeoutMs: PROBE_MS,
  });
  if (result === 'Failure') throw new ProbeError(error);
}

/** With STARTTLS the greeting comes in the clear. */
async function greets(services: ProbeServices, protocol: ProbedProtocol, begins: RegExp): Promise<void> {
  const at = await target(services, protocol);
  const connectionType = at.connectionType === 'Ssl' ? 'Ssl' : 'Plaintext';
  const client = await LineClient.connect({ ...at, connectionType }, PROBE_MS);
  try {
    const line = await client.line();
    if (!begins.test(line)) throw new ProbeError(`the greeting is: ${line}`);
    client.send(protocol === 'imap' ? 'p1 LOGOUT' : 'QUIT');
    await client.line();
  } finally {
    client.close();
  }
}

async function deep(services: ProbeServices, protocol: 'imap' | 'pop3'): Promise<void> {
  const account = await services.account();
  await services.openBackEnd(protocol, account);
  await withMailbox(services, account, async (_database, mailbox) => {
    const inbox = mailbox.folderByName('INBOX');
    if (inbox === null) throw new ProbeError('the mailbox of the probes has no Inbox');
    (await mailbox.view(inbox.id)).close();
  });
}

/** A message made durable, read back and purged. */
async function store(services: ProbeServices): Promise<void> {
  const account = await services.account();
  await withMailbox(services, account, async (database, mailbox) => {
    const inbox = mailbox.folderByName('INBOX');
    if (inbox === null) throw new ProbeError('the mailbox of the probes has no Inbox');
    const text = `Subject: Penfold store probe ${randomUUID()}\r\n\r\nThis message is deleted at once.\r\n`;
    const sink = database.stage();
    await sink.write(Buffer.from(text));
    const staged = await sink.finish();
    try {
      const { uid } = await mailbox.append(inbox.id, staged, {});
      const chunks: Buffer[] = [];
      for await (const chunk of mailbox.read(inbox.id, uid, 0, text.length)) chunks.push(Buffer.from(chunk));
      await mailbox.expunge(inbox.id, Uint32Array.of(uid), { purge: true });
      if (Buffer.concat(chunks).toString() !== text) throw new ProbeError('what was stored came back changed');
    } finally {
      await staged.release();
    }
  });
}

async function withMailbox(
  services: ProbeServices,
  account: Account,
  work: (database: MailboxDatabase, mailbox: Awaited<ReturnType<MailboxDatabase['open']>>) => Promise<void>,
): Promise<void> {
  if (account.mailbox === null) throw new Failure('NONEXISTENT', 'the account of the probes has no mailbox');
  const database = services.databaseOf(account);
  const mailbox = await database.open(account.mailbox.id);
  try {
    await work(database, mailbox);
  } finally {
    mailbox.close();
  }
}

function mailProtocol(noun: 'Pop' | 'Imap'): readonly Probe[] {
  const protocol = noun === 'Pop' ? 'pop3' : 'imap';
  const set = noun === 'Pop' ? 'POP' : 'IMAP';
  const title = noun === 'Pop' ? 'POP3' : 'IMAP4';
  const frontEnd: ServiceName = noun === 'Pop' ? 'pop3' : 'imap4';
  const backEnd: ServiceName = noun === 'Pop' ? 'pop3-backend' : 'imap4-backend';
  return [
    {
      name: `${noun}CTPProbe`,
      healthSet: set,
      needs: [frontEnd, backEnd],
      says: `A person logs on by ${title}: front end, back end and mailbox.`,
      run: (services) => customerPath(services, protocol),
    },
    {
      name: `${noun}ProxyTestProbe`,
      healthSet: `${set}.Proxy`,
      needs: [frontEnd],
      says: `The ${title} front end takes a connection, makes TLS and greets.`,
      run: (services) => greets(services, protocol, noun === 'Pop' ? /^\+OK/ : /^\* OK/),
    },
    {
      name: `${noun}BackEndsProbe`,
      healthSet: `${set}.Proxy`,
      needs: [frontEnd],
      says: `The ${title} front end reaches the back ends of other servers that its users need.`,
      run: async (services) => {
        const troubles = services.proxyTroubles(protocol);
        if (troubles.length > 0) throw new ProbeError(troubles.join(' '));
      },
    },
    {
      name: `${noun}SelfTestProbe`,
      healthSet: `${set}.Protocol`,
      needs: [backEnd],
      says: `The ${title} back end opens a session.`,
      run: async (services) => services.openBackEnd(protocol, await services.account()),
    },
    {
      name: `${noun}DeepTestProbe`,
      healthSet: `${set}.Protocol`,
      needs: [backEnd],
      says: `The ${title} back end opens a session and the store reads its Inbox.`,
      run: (services) => deep(services, protocol),
    },
  ];
}

export const PROBES: readonly Probe[] = [
  ...mailProtocol('Pop'),
  ...mailProtocol('Imap'),
  {
    name: 'SmtpProxyTestProbe',
    healthSet: 'SMTP',
    needs: ['frontend-transport'],
    says: 'A receive connector takes a connection and greets.',
    run: (services) => greets(services, 'smtp', /^220/),
  },
  {
    name: 'StoreWriteProbe',
    healthSet: 'Store',
    needs: [],
    says: 'The store makes a message durable, reads it back and purges it.',
    run: store,
  },
  {
    name: 'WebProxyTestProbe',
    healthSet: 'Web',
    needs: ['web'],
    says: 'The web service takes a connection and makes TLS.',
    run: async (services) => (await LineClient.connect(await target(services, 'web'), PROBE_MS)).close(),
  },
];
