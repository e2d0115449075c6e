/**
 * Plays dialogue scripts (dialogue-script.ts) against a server. The caller says how to connect and how to fill a
 * mailbox, so that the same scripts run on every engine, on a bare back-end session and behind the front end.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type Scenario, type SetUp, type Step } from './dialogue-script.ts';

/** How long a server may take for one expected line. */
const LINE_MS = 5_000;

export interface Stage {
  /** A connection where the script's first line is valid: greeting and logon are behind it. */
  connect(): Promise<Socket>;
  setUp(steps: readonly SetUp[]): Promise<void>;
  close(): Promise<void>;
}

/** @throws Error with script line, expectation and what came instead */
export async function play(scenario: Scenario, file: string, stage: Stage): Promise<void> {
  const lines = new Map<number, Lines>();
  const variables = new Map<string, string>();
  try {
    await stage.setUp(scenario.setUp);
    for (const step of scenario.steps) {
      let wire = lines.get(step.connection);
      if (wire === undefined) {
        wire = new Lines(await stage.connect());
        lines.set(step.connection, wire);
      }
      try {
        await perform(step, wire, scenario, variables);
      } catch (error) {
        throw new Error(`${file}:${step.line} (${scenario.title}): ${String(error)}`, { cause: error });
      }
    }
    for (const [number, wire] of lines) {
      const rest = wire.unread();
      if (rest !== '') throw new Error(`${file} (${scenario.title}): connection ${number} holds more: ${rest}`);
    }
  } finally {
    for (const wire of lines.values()) wire.hangUp();
    await stage.close();
  }
}

async function perform(step: Step, wire: Lines, scenario: Scenario, variables: Map<string, string>): Promise<void> {
  const { action } = step;
  const filled = (text: string): string =>
    text.replaceAll(/%\{(\w+)\}/g, (whole, name: string) => variables.get(name) ?? whole);
  switch (action.kind) {
    case 'send':
      wire.send(Buffer.from(`${withSizes(filled(action.text), scenario)}\r\n`, 'utf8'));
      return;
    case 'sendRaw':
      wire.send(Buffer.from(withSizes(unescaped(filled(action.text)), scenario), 'utf8'));
      return;
    case 'sendLiteral':
      wire.send(literal(scenario, action.name));
      return;
    case 'hangUp':
      wire.hangUp();
      return;
    case 'expectClose':
      await wire.closed();
      return;
    case 'expect': {
      const skipped: string[] = [];
      for (;;) {
        const line = await wire.next(
          `expected «${action.text}»${skipped.length > 0 ? ` behind «${skipped.join('» «')}»` : ''}`,
        );
        if (action.regex) {
          const match = new RegExp(`^(?:${filled(action.text)})$`).exec(line);
          for (const [name, value] of Object.entries(match?.groups ?? {})) variables.set(name, value);
          if (match !== null) return;
        } else if (line === filled(action.text)) return;
        if (!action.skip) throw new Error(`expected «${filled(action.text)}», got «${line}»`);
        skipped.push(line);
      }
    }
  }
}

function literal(scenario: Scenario, name: string): Buffer {
  const bytes = scenario.literals.get(name);
  if (bytes === undefined) throw new Error(`the script defines no literal ${name}`);
  return bytes;
}

const withSizes = (text: string, scenario: Scenario): string =>
  text.replaceAll(/\{@(\w+)(\+?)\}/g, (_, name: string, plus: string) => `{${literal(scenario, name).length}${plus}}`);

const ESCAPES = new Map([
  ['r', '\r'],
  ['n', '\n'],
  ['t', '\t'],
  ['0', '\0'],
  ['\\', '\\'],
]);
const unescaped = (text: string): string =>
  text.replaceAll(/\\(.)/g, (whole, char: string) => ESCAPES.get(char) ?? whole);

/** What a server sent, line by line. */
class Lines {
  readonly #socket: Socket;
  #text = '';
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      this.#text += String(chunk);
      this.#wake?.();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  hangUp(): void {
    this.#socket.destroy();
  }

  unread(): string {
    return this.#text;
  }

  async next(what: string): Promise<string> {
    const until = performance.now() + LINE_MS;
    for (;;) {
      const at = this.#text.indexOf('\r\n');
      if (at >= 0) {
        const line = this.#text.slice(0, at);
        this.#text = this.#text.slice(at + 2);
        return line;
      }
      if (this.#ended) throw new Error(`${what}, but the connection was closed`);
      if (!(await this.#more(until))) throw new Error(`${what}, but nothing came; unread: «${this.#text}»`);
    }
  }

  async closed(): Promise<void> {
    const until = performance.now() + LINE_MS;
    while (!this.#ended) if (!(await this.#more(until))) throw new Error('expected the server to close');
    if (this.#text !== '') throw new Error(`expected the server to close, got «${this.#text}»`);
  }

  async #more(until: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), Math.max(0, until - performance.now()));
    this.#wake = () => resolve(true);
    const came = await promise;
    this.#wake = null;
    clearTimeout(timer);
    return came;
  }
}

/** Resolves when `socket` is connected. */
export async function connected(socket: Socket): Promise<Socket> {
  await once(socket, 'connect');
  return socket;
}
