/** A door with three cmdlets about things, and a console that remembers: what the shell's own tests need. */
import type { CmdletObject, RawArgument } from '../../src/management/cmdlet.ts';
import { ConfirmationNeeded } from '../../src/management/door.ts';
import type { Door, DoorOptions } from '../../src/management/door-client.ts';
import type { CmdletHelp, ParameterHelp } from '../../src/management/help.ts';
import { Failure } from '../../src/observe/failure.ts';
import { rawText } from '../../src/cli/shell/cell-text.ts';
import { type Console, errorLines } from '../../src/cli/shell/console.ts';
import type { Answer } from '../../src/cli/shell/pipeline.ts';
import { ShellSession } from '../../src/cli/shell/session.ts';

function parameter(name: string, more: Partial<ParameterHelp> = {}): ParameterHelp {
  return {
    name,
    aliases: [],
    kind: 'String',
    accepts: 'text',
    choices: null,
    isList: false,
    isSwitch: false,
    required: false,
    position: null,
    fromPipeline: false,
    secret: false,
    completes: false,
    help: `About ${name}.`,
    ...more,
  };
}

function help(name: string, parameters: readonly ParameterHelp[], more: Partial<CmdletHelp> = {}): CmdletHelp {
  return {
    name,
    aliases: [],
    synopsis: `What ${name} does.`,
    description: '',
    changes: !name.startsWith('Get-'),
    parameters: [...parameters],
    examples: [{ line: `${name} one -WhatIf`, says: 'One.' }],
    roles: ['Organization Management'],
    columns: [],
    ...more,
  };
}

const identity = parameter('Identity', { position: 1, fromPipeline: true, completes: true });

export const THINGS: readonly CmdletHelp[] = [
  help('Get-Thing', [{ ...identity, fromPipeline: false }, parameter('Count', { kind: 'Int32' })], {
    columns: ['Name', 'Size'],
    aliases: ['Find-Thing'],
  }),
  help('Set-Thing', [
    identity,
    parameter('Enabled', { kind: 'Boolean', accepts: 'true or false', choices: ['false', 'true'] }),
    parameter('Mode', { kind: 'Enum', accepts: 'one of Plain (0), Secure (1)', choices: ['Plain', 'Secure'] }),
    parameter('Bindings', { kind: 'MultiValuedProperty<IPBinding>', isList: true }),
    parameter('Note'),
    parameter('Password', { secret: true }),
    parameter('Quiet', { isSwitch: true, kind: 'Boolean' }),
  ]),
  help('Remove-Thing', [{ ...identity, required: true }]),
];

export interface Call {
  readonly name: string;
  readonly args: Readonly<Record<string, RawArgument>>;
  readonly input: CmdletObject | null;
  readonly whatIf: boolean;
  readonly confirm: boolean | null;
}

export class FakeDoor implements Door {
  readonly calls: Call[] = [];
  /** How many things Get-Thing has given. */
  given = 0;
  /** Things that are there. */
  count = 4;

  cmdlets(): Promise<readonly CmdletHelp[]> {
    return Promise.resolve(THINGS);
  }

  complete(_cmdlet: string, _parameter: string, typed: string): Promise<readonly string[]> {
    return Promise.resolve(['one', 'Client Frontend MAIL', "o'clock"].filter((name) => name.startsWith(typed)));
  }

  async *run(
    name: string,
    args: Readonly<Record<string, RawArgument>>,
    options: DoorOptions,
  ): AsyncGenerator<CmdletObject> {
    const { input, whatIf, confirm } = options;
    const target = rawText(input?.['Identity'] ?? (typeof args['Identity'] === 'string' ? args['Identity'] : null));
    this.calls.push({ name, args, input, whatIf, confirm });
    if (target === 'missing') throw new Failure('NONEXISTENT', 'there is no thing called missing');
    if (name === 'Get-Thing') {
      const count = Number(args['Count'] ?? this.count);
      for (let at = 0; at < count; at += 1) {
        options.signal.throwIfAborted();
        this.given += 1;
        yield thing(at);
        // As a socket does: the event loop gets its turn now and then.
        if (at % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      return;
    }
    if (whatIf) {
      yield { WhatIf: `${name} ${target}` };
      return;
    }
    if (name === 'Remove-Thing' && confirm !== false) {
      throw new ConfirmationNeeded(`Remove ${target}`);
    }
    if (args['Verbose'] === true) options.onProgress(0, null, `${name} is being done`);
    options.onWarning(`${name} was done`);
  }
}

const SIZES = ['900 B (900 bytes)', '36 MB (37,748,736 bytes)', 'Unlimited', '2 KB (2,048 bytes)'];
const BYTES = [900, 37_748_736, null, 2048];

function thing(at: number): CmdletObject {
  return {
    Identity: `thing${at}`,
    Name: at === 1 ? 'Näme 日本' : `Thing ${at}`,
    Enabled: at % 2 === 0,
    Size: { text: SIZES[at % 4] ?? '', value: BYTES[at % 4] ?? null },
    Tags: at === 0 ? [] : [`tag${at}`, 'all'],
    Note: at === 2 ? 'two\nlines\u001b[31m' : null,
  };
}

export class MemoryConsole implements Console {
  readonly lines: string[] = [];
  readonly warnings: string[] = [];
  readonly errors: string[] = [];
  width: number | null = null;

  write(line: string): Promise<void> {
    this.lines.push(line);
    return Promise.resolve();
  }

  warn(text: string): void {
    this.warnings.push(text);
  }

  tell(text: string): void {
    this.warnings.push(text);
  }

  whatIf(text: string): void {
    this.lines.push(`What if: ${text}`);
  }

  progress(): void {}

  error(error: unknown, source: string, where?: string): void {
    if (where !== undefined) this.errors.push(`${where}:`);
    this.errors.push(...errorLines(error, source));
  }

  clear(): void {
    this.lines.length = 0;
  }
}

export interface TestShell {
  readonly door: FakeDoor;
  readonly console: MemoryConsole;
  readonly session: ShellSession;
  /** What was asked, in turn. */
  readonly asked: string[];
  answers: Answer[];
  /** Runs the text; the lines it has shown. */
  run(text: string): Promise<readonly string[]>;
}

export async function testShell(): Promise<TestShell> {
  const door = new FakeDoor();
  const console = new MemoryConsole();
  const asked: string[] = [];
  const shell: { answers: Answer[] } = { answers: [] };
  const session = await ShellSession.open({
    door,
    console,
    serverName: 'MAIL',
    history: () => ['Get-Thing', 'Set-Thing one'],
    read: (prompt, how) => {
      asked.push(`${prompt}${how}`);
      return Promise.resolve('typed');
    },
    confirm: (what) => {
      asked.push(what);
      return Promise.resolve(shell.answers.shift() ?? 'no');
    },
  });
  return Object.assign(shell, {
    door,
    console,
    session,
    asked,
    run: async (text: string) => {
      console.lines.length = 0;
      await session.run(text, new AbortController().signal);
      return [...console.lines];
    },
  });
}
