/** JMAP by hand against a server in the test's process: requests over HTTPS with its authority, events as they come. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request, type RequestOptions } from 'node:https';

export const CORE = 'urn:ietf:params:jmap:core';
export const MAIL = 'urn:ietf:params:jmap:mail';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  /** Parsed; undefined when it is no JSON. */
  readonly json: unknown;
}

export interface Invocation {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly id: string;
}

export interface ServerEvent {
  readonly event: string;
  readonly id: string | null;
  readonly data: unknown;
}

export class JmapClient {
  readonly #port: number;
  readonly #ca: string;
  readonly authorization: string | null;
  readonly #using: readonly string[];
  readonly #agent = new Agent({ keepAlive: true });

  constructor(
    server: { readonly port: number; readonly ca: string },
    user: { address: string; password: string } | null,
    using: readonly string[] = [CORE, MAIL],
  ) {
    this.#using = using;
    this.#port = server.port;
    this.#ca = server.ca;
    this.authorization =
      user === null ? null : `Basic ${Buffer.from(`${user.address}:${user.password}`).toString('base64')}`;
  }

  close(): void {
    this.#agent.destroy();
  }

  get options(): RequestOptions {
    return {
      host: '127.0.0.1',
      port: this.#port,
      servername: 'localhost',
      ca: this.#ca,
    };
  }

  get #credentials(): Record<string, string> {
    return this.authorization === null ? {} : { authorization: this.authorization };
  }

  /** The head of the answer has come; its body has not. */
  async begin(
    path: string,
    options: { method?: string; headers?: Record<string, string>; body?: string | Buffer; agent?: false } = {},
  ): Promise<IncomingMessage> {
    const { method = 'GET', headers = {}, body, agent } = options;
    const outgoing = request({
      ...this.options,
      agent: agent ?? this.#agent,
      path,
      method,
      headers: { ...this.#credentials, ...headers },
    });
    const answered = once(outgoing, 'response');
    outgoing.end(body);
    const [response] = await answered;
    return response;
  }

  async ask(path: string, options: Parameters<JmapClient['begin']>[1] = {}): Promise<Reply> {
    const response = await this.begin(path, options);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(Buffer.from(chunk));
    const bytes = Buffer.concat(chunks);
    const text = bytes.toString('utf8');
    const isJson = /json/.test(response.headers['content-type'] ?? '');
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      bytes,
      text,
      json: isJson && text !== '' ? JSON.parse(text) : undefined,
    };
  }

  /** The session object. */
  async session(): Promise<Readonly<Record<string, unknown>>> {
    const { status, json } = await this.ask('/jmap/session');
    assert.equal(status, 200);
    return record(json);
  }

  post(body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    return this.ask('/jmap/api', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  async calls(
    ...methodCalls: ReadonlyArray<readonly [string, Readonly<Record<string, unknown>>]>
  ): Promise<readonly Invocation[]> {
    const { status, json, text } = await this.post({
      using: this.#using,
      methodCalls: methodCalls.map(([name, args], at) => [name, args, String(at)]),
    });
    assert.equal(status, 200, text);
    const { methodResponses } = record(json);
    assert.ok(Array.isArray(methodResponses));
    return methodResponses.map((one: unknown) => {
      assert.ok(Array.isArray(one));
      return { name: String(one[0]), args: record(one[1]), id: String(one[2]) };
    });
  }

  async call(name: string, args: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>> {
    const [answer] = await this.calls([name, args]);
    assert.equal(answer?.name, name, JSON.stringify(answer?.args));
    return answer?.args ?? {};
  }

  /** An event stream: resolves when the server has begun it. */
  async events(query: string, headers: Record<string, string> = {}): Promise<EventStream> {
    const response = await this.begin(`/jmap/eventsource?${query}`, { headers, agent: false });
    assert.equal(response.statusCode, 200);
    assert.match(response.headers['content-type'] ?? '', /^text\/event-stream/);
    return new EventStream(response);
  }
}

export class EventStream {
  readonly #response: IncomingMessage;
  readonly #events: AsyncIterator<ServerEvent>;

  constructor(response: IncomingMessage) {
    this.#response = response;
    this.#events = eventsOf(response);
  }

  /** Null: the stream has ended. */
  async next(): Promise<ServerEvent | null> {
    const { done, value } = await this.#events.next();
    return done === true ? null : value;
  }

  close(): void {
    this.#response.destroy();
  }
}

async function* eventsOf(response: IncomingMessage): AsyncGenerator<ServerEvent> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    text += String(chunk);
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = text
        .slice(0, end)
        .split('\n')
        .map((line) => /^([a-z]*): ?(.*)$/.exec(line));
      text = text.slice(end + 2);
      const field = (name: string): string | null => fields.find((one) => one?.[1] === name)?.[2] ?? null;
      const data = field('data');
      if (data !== null) yield { event: field('event') ?? 'message', id: field('id'), data: JSON.parse(data) };
    }
  }
}

export function record(value: unknown): Readonly<Record<string, unknown>> {
  assert.ok(typeof value === 'object' && value !== null);
  return Object.fromEntries(Object.entries(value));
}

/** Inner value by path; undefined where there is nothing. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let inner = value;
  for (const key of path) inner = typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined;
  return inner;
}
