/** Which back ends an admin has stopped, as the directory says: nobody is sent there while others may serve. */
import type { Directory } from '../directory/api.ts';
import { inactiveBecauseOf } from '../directory/components.ts';
import type { ServerId, ServiceName } from '../directory/model.ts';
import { serviceFacts } from '../directory/services.ts';

const SERVICES: Readonly<Record<'imap' | 'pop3', ServiceName>> = { imap: 'imap4-backend', pop3: 'pop3-backend' };

interface State {
  readonly running: ReadonlySet<ServiceName>;
  readonly isOffline: boolean;
}

export class BackEndStates {
  readonly #directory: Directory;
  readonly #states = new Map<ServerId, Promise<State>>();
  readonly #unwatch: () => void;

  constructor(directory: Directory) {
    this.#directory = directory;
    this.#unwatch = directory.watch(({ kind }) => {
      if (kind === 'service' || kind === 'component' || kind === 'server') this.#states.clear();
    });
  }

  close(): void {
    this.#unwatch();
  }

  /** Null: it serves. Else why not, in words for a client. */
  async refusal(server: ServerId, protocol: 'imap' | 'pop3' | 'web'): Promise<string | null> {
    const { running, isOffline } = await this.#state(server);
    if (isOffline) return 'The server of this mailbox is out of service for now';
    // A back end serves web clients as long as it runs.
    if (protocol === 'web') return null;
    const service = SERVICES[protocol];
    if (running.has(service)) return null;
    return `The service ${serviceFacts(service).displayName} is not running on the server of this mailbox`;
  }

  #state(server: ServerId): Promise<State> {
    const known = this.#states.get(server);
    if (known !== undefined) return known;
    const state = this.#read(server);
    this.#states.set(server, state);
    state.catch(() => {
      if (this.#states.get(server) === state) this.#states.delete(server);
    });
    return state;
  }

  async #read(server: ServerId): Promise<State> {
    const [services, requests] = await Promise.all([
      this.#directory.services(server),
      this.#directory.componentRequests(server),
    ]);
    return {
      running: new Set(services.filter((state) => state.running).map((state) => state.service)),
      isOffline: inactiveBecauseOf(requests, 'ServerWideOffline').length > 0,
    };
  }
}
