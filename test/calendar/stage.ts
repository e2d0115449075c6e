/** A server with people of example.com, whose invitations the corpus holds, and their calendars by JMAP. */
import assert from 'node:assert/strict';
import { createTransport } from 'nodemailer';
import { CORE, JmapClient, MAIL, record } from '../jmap/client.ts';
import { startOrganization, type TestOrganization, type TestUser } from '../support/organization.ts';

export const CALENDAR = 'urn:penfold:params:jmap:calendar';

export type Facts = Readonly<Record<string, unknown>>;

export interface Person {
  readonly user: TestUser;
  readonly address: string;
  readonly client: JmapClient;
  call(name: string, args?: Facts): Promise<Facts>;
  /** Events of the window, expanded. */
  events(after: string, before: string, more?: Facts): Promise<readonly Facts[]>;
  /** Mails of his Inbox, newest first. */
  mails(properties?: readonly string[]): Promise<readonly Facts[]>;
}

export interface Stage {
  readonly organization: TestOrganization;
  person(index: number): Person;
  /** By SMTP from outside, as it is. Resolves when what follows it is done. */
  deliver(from: string, to: string, message: Buffer | string): Promise<void>;
  stop(): Promise<void>;
}

export async function openStage(names: readonly string[]): Promise<Stage> {
  const organization = await startOrganization({
    engine: 'memory',
    users: names,
    prepare: async (directory, server) => {
      await directory.setPopSettings(server.id, { loginType: 'PlainTextLogin' });
      await directory.addDomain({ name: 'example.com', type: 'Authoritative', isDefault: false });
      for (const name of names) {
        const account = await directory.accountByAlias(name);
        assert.ok(account !== null);
        await directory.changeAccount(account.id, { addresses: [`${name}@example.com`, `${name}@example.test`] });
      }
    },
  });
  const people = names.map((name, index) => openPerson(organization, organization.user(index), `${name}@example.com`));
  return {
    organization,
    person: (index) => {
      const person = people[index];
      assert.ok(person !== undefined);
      return person;
    },
    deliver: async (from, to, message) => {
      const transport = createTransport({ host: organization.host, port: organization.smtp.inbound, ignoreTLS: true });
      try {
        await transport.sendMail({ envelope: { from, to }, raw: message });
      } finally {
        transport.close();
      }
      await organization.running.settled();
    },
    stop: async () => {
      for (const { client } of people) client.close();
      await organization.stop();
    },
  };
}

function openPerson(organization: TestOrganization, user: TestUser, address: string): Person {
  const server = { port: organization.web, ca: organization.ca };
  const client = new JmapClient(server, user, [CORE, MAIL, CALENDAR]);
  const accountId = user.account.id;
  const call = (name: string, args: Facts = {}): Promise<Facts> => client.call(name, { accountId, ...args });
  return {
    user,
    address,
    client,
    call,
    events: async (after, before, more = {}) => {
      const { ids } = await call('CalendarEvent/query', {
        filter: { after, before },
        expandRecurrences: true,
        ...more,
      });
      return listOf(await call('CalendarEvent/get', { ids }));
    },
    mails: async (properties = ['subject']) => {
      const { ids } = await call('Email/query', { sort: [{ property: 'receivedAt', isAscending: false }] });
      return listOf(await call('Email/get', { ids, properties, fetchAllBodyValues: true }));
    },
  };
}

export function listOf(answer: Facts, name = 'list'): readonly Facts[] {
  const list = answer[name];
  assert.ok(Array.isArray(list));
  return list.map((one: unknown) => record(one));
}
