/** One shell: its variables, and lines run one after the other. Knows no terminal and no history file. */
import type { CmdletObject } from '../../management/cmdlet.ts';
import type { Door } from '../../management/door-client.ts';
import { Failure } from '../../observe/failure.ts';
import { Catalogue } from './catalogue.ts';
import type { Console } from './console.ts';
import type { Pipeline, Statement } from './grammar/ast.ts';
import { parse } from './grammar/parser.ts';
import { ShellSyntaxError } from './grammar/syntax-error.ts';
import { type Item, Line } from './items.ts';
import type { Reading } from './local.ts';
import { type Answer, type Context, startPipeline } from './pipeline.ts';
import { LOCAL_CMDLETS } from './stages/all.ts';
import { presented } from './stages/present.ts';

/** Objects a variable can hold. */
export const MOST_OBJECTS_HELD = 1_000_000;
const SEEN_CMDLETS = 500;

export interface SessionOptions {
  readonly door: Door;
  readonly console: Console;
  /** Of this server. */
  readonly serverName: string;
  confirm(what: string): Promise<Answer>;
  read(prompt: string, how: Reading): Promise<string>;
  history(): readonly string[];
}

export class ShellSession {
  readonly catalogue: Catalogue;
  readonly #options: SessionOptions;
  readonly #variables = new Map<string, readonly Item[]>();
  readonly #properties = new Map<string, readonly string[]>();
  readonly #warned = new Set<string>();
  #leaving: number | null = null;

  static async open(options: SessionOptions): Promise<ShellSession> {
    return new ShellSession(options, new Catalogue(await options.door.cmdlets(), LOCAL_CMDLETS));
  }

  constructor(options: SessionOptions, catalogue: Catalogue) {
    this.#options = options;
    this.catalogue = catalogue;
  }

  /** The exit code when `exit` was typed. */
  get leaving(): number | null {
    return this.#leaving;
  }

  variableNames(): readonly string[] {
    return [...this.#variables.keys()];
  }

  /** Property names a cmdlet's results are known to have. */
  propertiesOf(cmdlet: string): readonly string[] {
    return this.#properties.get(cmdlet) ?? this.catalogue.find(cmdlet)?.help.columns ?? [];
  }

  /** Nothing runs when the text has a mistake anywhere. @throws ShellSyntaxError, Failure, AbortError */
  async run(text: string, signal: AbortSignal): Promise<void> {
    for (const statement of parse(text)) {
      await this.#statement(statement, text, signal);
      if (this.#leaving !== null) return;
    }
  }

  async #statement(statement: Statement, source: string, signal: AbortSignal): Promise<void> {
    const stream = await startPipeline(statement.pipeline, this.#context(source, signal, false));
    if (statement.assignTo === null) {
      for await (const line of presented(stream, this.#options.console.width)) {
        signal.throwIfAborted();
        await this.#options.console.write(line.text);
      }
      return;
    }
    const items: Item[] = [];
    for await (const item of stream.items) {
      signal.throwIfAborted();
      if (item instanceof Line) {
        throw new ShellSyntaxError('a variable holds objects; put Format-… and ConvertTo-… behind it', statement.at);
      }
      if (items.length === MOST_OBJECTS_HELD) {
        throw new Failure('LIMIT', `a variable holds at most ${MOST_OBJECTS_HELD} objects`);
      }
      items.push(item);
    }
    this.#variables.set(statement.assignTo.toLowerCase(), items);
  }

  /** A pipeline made of the words of a command line; what it leaves is for `show`. */
  async runPipeline(
    pipeline: Pipeline,
    source: string,
    signal: AbortSignal,
    show: (stream: Awaited<ReturnType<typeof startPipeline>>) => AsyncIterable<Line>,
  ): Promise<void> {
    const stream = await startPipeline(pipeline, this.#context(source, signal, true));
    for await (const line of show(stream)) {
      signal.throwIfAborted();
      await this.#options.console.write(line.text);
    }
  }

  #context(source: string, signal: AbortSignal, oneShot: boolean): Context {
    const options = this.#options;
    return {
      door: options.door,
      console: options.console,
      serverName: options.serverName,
      confirm: (what) => options.confirm(what),
      source,
      signal,
      oneShot,
      catalogue: this.catalogue,
      variables: this.#variables,
      around: {
        history: () => options.history(),
        read: (prompt, how) => options.read(prompt, how),
        clear: () => options.console.clear(),
        leave: (code) => {
          this.#leaving = code;
        },
      },
      once: (warning) => {
        if (!this.#warned.has(warning)) options.console.warn(warning);
        this.#warned.add(warning);
      },
      noteProperties: (cmdlet, object) => this.#note(cmdlet, object),
    };
  }

  #note(cmdlet: string, object: CmdletObject): void {
    if (this.#properties.size < SEEN_CMDLETS) this.#properties.set(cmdlet, Object.keys(object));
  }
}
