/**
 * Settings and service states of this server as they are now: read once, read again when the directory announces a
 * change, answered without waiting (design.md §7: services apply within a second).
 */
import type { Directory, DirectoryChange } from '../directory/api.ts';
import type {
  ClientAccessSettings,
  ImapSettings,
  Organization,
  PopSettings,
  ServerId,
  ServiceName,
} from '../directory/model.ts';
import type { RenderingWish } from '../message/render/wish.ts';
import type { Log } from '../observe/log.ts';
import { renderingWish, webAddressOf } from './rendering/rendering-wish.ts';

interface Facts {
  readonly imap: ImapSettings;
  readonly pop3: PopSettings;
  readonly organization: Organization;
  readonly fqdn: string;
  readonly running: ReadonlySet<ServiceName>;
}

const CONCERNS: ReadonlySet<DirectoryChange['kind']> = new Set([
  'imap-settings',
  'pop-settings',
  'organization',
  'server',
  'service',
]);

export class LiveSettings {
  readonly #directory: Directory;
  readonly #server: ServerId;
  readonly #log: Log;
  readonly #changed: () => void;
  readonly #unwatch: () => void;
  #facts: Facts;
  #reading: Promise<void> = Promise.resolve();

  private constructor(directory: Directory, server: ServerId, log: Log, facts: Facts, changed: () => void) {
    this.#directory = directory;
    this.#server = server;
    this.#log = log;
    this.#facts = facts;
    this.#changed = changed;
    this.#unwatch = directory.watch((change) => {
      if (CONCERNS.has(change.kind)) this.#read();
    });
  }

  /** `changed` is called behind each change that has been read. */
  static async of(directory: Directory, server: ServerId, log: Log, changed: () => void): Promise<LiveSettings> {
    return new LiveSettings(directory, server, log, await readFacts(directory, server), changed);
  }

  get imap(): ImapSettings {
    return this.#facts.imap;
  }

  get pop3(): PopSettings {
    return this.#facts.pop3;
  }

  get organization(): Organization {
    return this.#facts.organization;
  }

  /** How a session that begins now is served a mailbox with these settings. */
  renderingWish(protocol: 'imap' | 'pop3', access: ClientAccessSettings): RenderingWish {
    const settings = protocol === 'imap' ? this.imap : this.pop3;
    return renderingWish(protocol, settings, access, webAddressOf(this.#facts.fqdn, settings));
  }

  isRunning(service: ServiceName): boolean {
    return this.#facts.running.has(service);
  }

  /** What was announced before this call has been read when it resolves. */
  async settled(): Promise<void> {
    await this.#reading;
  }

  close(): void {
    this.#unwatch();
  }

  #read(): void {
    this.#reading = this.#reading
      .then(async () => {
        this.#facts = await readFacts(this.#directory, this.#server);
        this.#changed();
      })
      .catch((error: unknown) => {
        this.#log.error({ error: String(error) }, 'settings could not be read; the old ones stay');
      });
  }
}

async function readFacts(directory: Directory, server: ServerId): Promise<Facts> {
  const [imap, pop3, organization, servers, services] = await Promise.all([
    directory.imapSettings(server),
    directory.popSettings(server),
    directory.organization(),
    directory.servers(),
    directory.services(server),
  ]);
  const running = new Set(services.filter((state) => state.running).map((state) => state.service));
  const fqdn = servers.find(({ id }) => id === server)?.fqdn ?? 'localhost';
  return { imap, pop3, organization, fqdn, running };
}
