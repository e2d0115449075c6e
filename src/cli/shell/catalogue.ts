/** Every cmdlet there is, the server's and the shell's own, found by name or alias in any case. */
import { nearestName } from '../../config/nearest-name.ts';
import type { CmdletHelp } from '../../management/help.ts';
import type { LocalCmdlet } from './local.ts';

export type Entry =
  | { readonly kind: 'remote'; readonly help: CmdletHelp }
  | { readonly kind: 'local'; readonly help: CmdletHelp; readonly cmdlet: LocalCmdlet };

/** What people type and will not find, and what to do instead. */
const ABSENT: ReadonlyMap<string, string> = new Map([
  ['foreach-object', 'pipe into the next cmdlet instead: Get-Mailbox | Set-CASMailbox -ImapEnabled $false'],
  ['foreach', 'pipe into the next cmdlet instead: Get-Mailbox | Set-CASMailbox -ImapEnabled $false'],
  ['%', 'pipe into the next cmdlet instead: Get-Mailbox | Set-CASMailbox -ImapEnabled $false'],
  ['if', 'use Where-Object to choose objects'],
  ['iisreset', 'there is nothing to restart: every setting acts at once'],
  ['new-object', 'write the value as text'],
  [
    'import-exchangecertificate',
    'name certificate and key in penfold.toml ([tls]); their files are read again when they change',
  ],
  ['import-module', 'all cmdlets are there already: Get-Command'],
  ['add-pssnapin', 'all cmdlets are there already: Get-Command'],
  ['penfold', 'inside the shell, cmdlets stand alone: Get-Mailbox'],
  ['why-cannot-log-on', 'it is a command of its own, outside the shell: penfold why-cannot-log-on USER'],
  ['doctor', 'it is a command of its own, outside the shell: penfold doctor'],
  ['invoke-command', 'use -Server, or run penfold on that server'],
  ['enter-pssession', 'use -Server, or run penfold on that server'],
]);

export class Catalogue {
  readonly entries: readonly Entry[];
  readonly #byName = new Map<string, Entry>();

  constructor(remote: readonly CmdletHelp[], local: readonly LocalCmdlet[]) {
    const entries: Entry[] = [
      ...local.map((cmdlet): Entry => ({ kind: 'local', help: cmdlet.help, cmdlet })),
      ...remote.map((help): Entry => ({ kind: 'remote', help })),
    ];
    this.entries = entries.toSorted((a, b) => (a.help.name.toLowerCase() < b.help.name.toLowerCase() ? -1 : 1));
    // The shell's own go first: no server can put a cmdlet in the place of Where-Object.
    for (const entry of entries) {
      for (const name of [entry.help.name, ...entry.help.aliases]) {
        const key = name.toLowerCase();
        if (!this.#byName.has(key)) this.#byName.set(key, entry);
      }
    }
  }

  find(name: string): Entry | null {
    return this.#byName.get(name.toLowerCase()) ?? null;
  }

  /** What to say to a name that is not there. */
  unknown(name: string): string {
    const instead = ABSENT.get(name.toLowerCase());
    if (instead !== undefined) return `${name} is not there: ${instead}`;
    const begun = this.names().filter((one) => one.toLowerCase().startsWith(name.toLowerCase()));
    if (begun.length > 0 && name !== '') {
      return `there is no cmdlet ${name}. There ${begun.length === 1 ? 'is' : 'are'} ${begun.slice(0, 8).join(', ')}`;
    }
    const nearest = nearestName(name, this.names());
    const hint = nearest === null ? 'All there are: Get-Command' : `Did you mean ${nearest}?`;
    return `there is no cmdlet ${name}. ${hint}`;
  }

  names(): readonly string[] {
    return this.entries.map((entry) => entry.help.name);
  }
}
