/**
 * The mailbox that this server's own probes log on to: HealthMailbox…, as Exchange has them
 * (exchange-behaviour.md §4). Its password is made anew by each server process and kept in memory only.
 */
import { generatePassword } from '../auth/password-policy.ts';
import { makeCredentials } from '../auth/verifiers.ts';
import type { Directory } from '../directory/api.ts';
import type { Account, DatabaseRecord, Server } from '../directory/model.ts';
import { monitoringAlias } from '../management/health/monitoring-mailbox.ts';
import { Failure } from '../observe/failure.ts';

export interface ProbeCredential {
  readonly user: string;
  readonly password: string;
}

/** The password is as good as a secret of the process, but not for ever. */
const RENEW_MS = 7 * 86_400_000;

export class ProbeMailbox {
  readonly #directory: Directory;
  readonly #server: Server;
  #credential: Promise<ProbeCredential> | null = null;
  #madeAt = 0;

  constructor(directory: Directory, server: Server) {
    this.#directory = directory.as({ user: 'server', via: 'server', command: 'health probes' });
    this.#server = server;
  }

  /** Makes the mailbox when it is not there yet. @throws Failure UNAVAILABLE when this server has no mailbox database */
  credential(renew: boolean): Promise<ProbeCredential> {
    if (renew || this.#credential === null || Date.now() - this.#madeAt > RENEW_MS) {
      this.#madeAt = Date.now();
      const made = this.#make();
      this.#credential = made;
      made.catch(() => {
        if (this.#credential === made) this.#credential = null;
      });
    }
    return this.#credential;
  }

  async #make(): Promise<ProbeCredential> {
    const password = generatePassword();
    const credentials = await makeCredentials(password);
    const account = (await this.#find()) ?? (await this.#create());
    await this.#directory.changeAccount(account.id, { credentials, enabled: true });
    return { user: account.userPrincipalName, password };
  }

  get #alias(): string {
    return monitoringAlias(this.#server);
  }

  #find(): Promise<Account | null> {
    return this.#directory.accountByLogonName(this.#alias);
  }

  async #create(): Promise<Account> {
    const database = await this.#database();
    const domain = (await this.#directory.domains()).find((one) => one.isDefault);
    if (domain === undefined) throw new Failure('UNAVAILABLE', 'there is no default accepted domain');
    const address = `${this.#alias}@${domain.name}`;
    const account = await this.#directory.addAccount({
      kind: 'user',
      displayName: `HealthMailbox ${this.#server.name}`,
      alias: this.#alias,
      userPrincipalName: address,
      mailbox: { database: database.id, addresses: [address] },
      credentials: null,
    });
    await this.#directory.setMailboxSettings(account.id, { hiddenFromAddressListsEnabled: true });
    return account;
  }

  async #database(): Promise<DatabaseRecord> {
    const own = (await this.#directory.databases()).find((one) => one.server === this.#server.id);
    if (own === undefined) throw new Failure('UNAVAILABLE', `${this.#server.name} has no mailbox database`);
    return own;
  }
}
