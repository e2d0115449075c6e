/**
 * The door for the shell and for one-shot commands: through the control socket while a server runs on the data
 * directory, else here, on the directory itself and, for as long as a cmdlet runs, on the mailboxes under the instance
 * lock. Asked anew for every cmdlet, so a shell that stays open follows a server that starts or stops.
 */
import { existsSync } from 'node:fs';
import { controlSocketPath, type DataLayout } from '../config/data-directory.ts';
import { readConfiguration } from '../config/read.ts';
import type { Configuration } from '../config/schema.ts';
import type { Directory } from '../directory/api.ts';
import type { Server } from '../directory/model.ts';
import { CMDLETS } from '../management/cmdlets/table.ts';
import { systemUser } from '../config/system-user.ts';
import { localCaller } from '../management/control/cmdlets.ts';
import { createDoor } from '../management/door.ts';
import { type Door, doorInProcess, doorOverSocket } from '../management/door-client.ts';
import { Failure } from '../observe/failure.ts';
import { silentLog } from '../observe/log.ts';
import { Databases } from './databases.ts';
import { engineOf } from './engines.ts';
import { lockInstance } from './instance-lock.ts';
import { purgeMailbox, runningInstance } from './instance.ts';
import { openDirectory, ownServer } from './open-directory.ts';

export interface OpenDoor extends Door {
  readonly server: Server;
  /** Whether a server runs on the data directory now. */
  isServed(): Promise<boolean>;
  close(): Promise<void>;
}

/** @throws Failure NONEXISTENT (nothing set up), NOPERM (a server of another user runs there) */
export async function openDoor(layout: DataLayout, via: 'shell' | 'command'): Promise<OpenDoor> {
  const configuration = await readConfiguration(layout.configuration);
  const directory = await openDirectory(layout);
  try {
    const server = await ownServer(directory, configuration.server.name);
    return new LocalDoor(layout, configuration, directory, server, via);
  } catch (error) {
    await directory.close();
    throw error;
  }
}

class LocalDoor implements OpenDoor {
  readonly server: Server;
  readonly #layout: DataLayout;
  readonly #configuration: Configuration;
  readonly #directory: Directory;
  readonly #remote: Door;
  readonly #here: Door;
  readonly #mail: OwnMail;

  constructor(
    layout: DataLayout,
    configuration: Configuration,
    directory: Directory,
    server: Server,
    via: 'shell' | 'command',
  ) {
    this.server = server;
    this.#layout = layout;
    this.#configuration = configuration;
    this.#directory = directory;
    this.#mail = new OwnMail(layout, directory, server);
    this.#remote = doorOverSocket(this.#socket, { user: systemUser(), via });
    const mail = this.#mail;
    const services = {
      directory,
      server,
      mail: {
        databaseOf: (account: Parameters<Databases['of']>[0]) => mail.databases.of(account),
        purgeMailbox: (account: Parameters<Databases['of']>[0]) => purgeMailbox(mail.databases, account),
      },
      transferFolder: layout.transfer,
      running: null,
      log: silentLog,
    };
    this.#here = doorInProcess(createDoor(CMDLETS, services), localCaller(via));
  }

  get #socket(): string {
    return controlSocketPath(this.#layout, this.#configuration.control.socket);
  }

  async isServed(): Promise<boolean> {
    return existsSync(this.#socket) && (await runningInstance(this.#layout, this.#configuration)) !== null;
  }

  async cmdlets(): ReturnType<Door['cmdlets']> {
    return ((await this.isServed()) ? this.#remote : this.#here).cmdlets();
  }

  async *run(...[name, args, options]: Parameters<Door['run']>): ReturnType<Door['run']> {
    if (await this.isServed()) {
      yield* this.#remote.run(name, args, options);
      return;
    }
    await this.#mail.hold();
    try {
      yield* this.#here.run(name, args, options);
    } finally {
      await this.#mail.release();
    }
  }

  async complete(...words: Parameters<Door['complete']>): ReturnType<Door['complete']> {
    return ((await this.isServed()) ? this.#remote : this.#here).complete(...words);
  }

  async close(): Promise<void> {
    await this.#mail.settled();
    await this.#directory.close();
  }
}

/** The mailboxes of this server, opened by this process while a cmdlet may want them. */
class OwnMail {
  readonly #layout: DataLayout;
  readonly #directory: Directory;
  readonly #server: Server;
  #holders = 0;
  #open: { readonly databases: Databases; readonly unlock: () => void } | null = null;
  /** Why they could not be opened: told to who asks for one. */
  #reason: Failure = new Failure('UNAVAILABLE', 'the mailboxes are not open');
  #last: Promise<void> = Promise.resolve();

  constructor(layout: DataLayout, directory: Directory, server: Server) {
    this.#layout = layout;
    this.#directory = directory;
    this.#server = server;
  }

  /** @throws Failure INUSE when another process has them */
  get databases(): Databases {
    if (this.#open === null) throw this.#reason;
    return this.#open.databases;
  }

  /** A cmdlet that wants no mail runs, too, when they cannot be opened. */
  hold(): Promise<void> {
    this.#holders += 1;
    return this.#inTurn(async () => {
      if (this.#open !== null) return;
      try {
        const lock = lockInstance(this.#layout);
        try {
          const engine = engineOf(this.#layout, silentLog);
          const databases = await Databases.open(this.#directory, this.#server, engine, silentLog);
          this.#open = { databases, unlock: () => lock.release() };
        } catch (error) {
          lock.release();
          throw error;
        }
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        this.#reason = error;
      }
    });
  }

  release(): Promise<void> {
    return this.#inTurn(async () => {
      this.#holders -= 1;
      if (this.#holders > 0 || this.#open === null) return;
      const { databases, unlock } = this.#open;
      this.#open = null;
      await databases.close();
      unlock();
    });
  }

  settled(): Promise<void> {
    return this.#inTurn(() => Promise.resolve());
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}
