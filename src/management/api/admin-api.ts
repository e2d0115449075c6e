/**
 * The admin API: `POST /admin/cmdlets/Set-PopSettings` with the arguments as JSON. The same door as the shell's, so
 * names may be typed in any case and shortened here, too; the OpenAPI document beside it names them in full.
 *
 * It stands here and not in src/web because it knows cmdlets, and web may not import management; the host it is
 * mounted on (web/https-host.ts) is handed the handler by main.
 */
import type { ServerResponse } from 'node:http';
import type { Authenticator } from '../../auth/api.ts';
import type { Directory } from '../../directory/api.ts';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import { readBody, type WebExchange, type WebHandler, writeAll } from '../../web/https-host.ts';
import { problem, problemOf, type Problem, sendProblem } from '../../web/problem.ts';
import { ADMIN_REQUEST_BYTES } from '../../wire/limits.ts';
import type { RawArguments } from '../binding.ts';
import type { Caller } from '../cmdlet.ts';
import { errorFacts, type OutputLine, readRawArguments } from '../cmdlet-json.ts';
import { ConfirmationNeeded, type ManagementDoor } from '../door.ts';
import { cmdletHelp } from '../help.ts';
import { mayRun } from '../roles.ts';
import { type CallPlaces, NoPlace } from './call-places.ts';
import { CHALLENGE, callerOf } from './credentials.ts';
import { openApiDocument } from './openapi.ts';

export interface AdminApiOptions {
  readonly directory: Directory;
  readonly authenticator: Authenticator;
  readonly door: ManagementDoor;
  readonly places: CallPlaces;
  readonly version: string;
  readonly log: Log;
}

const LINES = 'application/x-ndjson';
/** Seconds after which a client that was refused for load may come again. */
const RETRY_AFTER = '5';

export function adminApi(options: AdminApiOptions): WebHandler {
  const document = JSON.stringify(openApiDocument(options.door.cmdlets, options.version));
  return {
    prefix: '/admin/',
    handle: async (exchange) => {
      const { response } = exchange;
      response.setHeader('cache-control', 'no-store');
      try {
        // Who fails to log on takes no place from who can: the throttle and the hash limit have him.
        const caller = await callerOf(options, exchange.request.headers, exchange.remoteAddress);
        await options.places.within(caller.user, () => route(options, document, caller, exchange));
      } catch (error) {
        refuse(response, error, options.log);
      }
    },
  };
}

async function route(options: AdminApiOptions, document: string, caller: Caller, exchange: WebExchange): Promise<void> {
  const { response, url } = exchange;
  const name = /^\/admin\/cmdlets\/([^/]+)$/.exec(url.pathname)?.[1];
  switch (name === undefined ? url.pathname : '/admin/cmdlets/NAME') {
    case '/admin/openapi.json':
      allow(exchange, 'GET');
      sendJson(response, document);
      return;
    case '/admin/cmdlets':
      allow(exchange, 'GET');
      sendJson(
        response,
        JSON.stringify(options.door.cmdlets.filter((cmdlet) => mayRun(cmdlet, caller)).map(cmdletHelp)),
      );
      return;
    case '/admin/completions':
      allow(exchange, 'POST');
      await complete(options, caller, exchange);
      return;
    case '/admin/cmdlets/NAME':
      allow(exchange, 'POST');
      await run(options, caller, decoded(name ?? ''), await argumentsOf(exchange), exchange);
      return;
    default:
      throw new Failure('NONEXISTENT', `there is nothing at ${url.pathname.slice(0, 200)}`);
  }
}

class MethodRefused extends Failure {
  readonly allowed: string;

  constructor(allowed: string) {
    super('CLIENTBUG', `only ${allowed} is allowed here`);
    this.allowed = allowed;
  }
}

function allow({ request }: WebExchange, method: 'GET' | 'POST'): void {
  if (request.method !== method) throw new MethodRefused(method);
}

async function complete(options: AdminApiOptions, caller: Caller, exchange: WebExchange): Promise<void> {
  const { cmdlet, parameter, typed } = await argumentsOf(exchange);
  if (typeof cmdlet !== 'string' || typeof parameter !== 'string' || typeof typed !== 'string')
    throw new Failure('CLIENTBUG', 'a completion needs cmdlet, parameter and typed, all of them strings');
  sendJson(exchange.response, JSON.stringify(await options.door.complete(caller, cmdlet, parameter, typed)));
}

/** @throws Failure CLIENTBUG, TOOBIG, CANNOT */
async function argumentsOf({ request }: WebExchange): Promise<RawArguments> {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  const body = await readBody(request, ADMIN_REQUEST_BYTES);
  if (body.length === 0) return {};
  // Also what keeps a form of a foreign page out: no browser sends this type without asking first.
  if (type !== 'application/json') throw new Failure('CLIENTBUG', 'content-type must be application/json');
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new Failure('CLIENTBUG', 'the body is no JSON', { cause });
  }
  return readRawArguments(json);
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch (cause) {
    throw new Failure('CLIENTBUG', 'the path is not well formed', { cause });
  }
}

/**
 * A refusal before anything came out is a problem document with its status; later ones stand at the end of the answer,
 * whose status 200 has gone by then.
 */
async function run(
  options: AdminApiOptions,
  caller: Caller,
  name: string,
  args: RawArguments,
  exchange: WebExchange,
): Promise<void> {
  const { response, signal } = exchange;
  const asLines = (exchange.request.headers.accept ?? '').includes(LINES);
  const out = asLines ? new LineAnswer(response, signal) : new JsonAnswer(response, signal);
  try {
    const output = options.door.run(caller, name, args, {
      signal,
      onWarning: (text) => out.warning(text),
      onProgress: (done, total, activity) => out.progress(done, total, activity),
    });
    for await (const object of output) await out.object(object);
  } catch (error) {
    if (!out.begun) throw error;
    if (!(error instanceof Failure)) options.log.error({ err: error, cmdlet: name }, 'a cmdlet failed');
    if (!response.destroyed) out.failed(error);
    return;
  }
  out.end();
}

/** One JSON value a line, as it happens. Held back until the first object, so that a refusal has its own status. */
class LineAnswer {
  readonly #response: ServerResponse;
  readonly #signal: AbortSignal;
  #early: string[] = [];
  begun = false;

  constructor(response: ServerResponse, signal: AbortSignal) {
    this.#response = response;
    this.#signal = signal;
  }

  async object(object: Readonly<Record<string, unknown>>): Promise<void> {
    await writeAll(this.#response, `${this.#begin()}${JSON.stringify({ object })}\n`, this.#signal);
  }

  warning(warning: string): void {
    this.#line({ warning });
  }

  /** Begins the answer: who waits for long work wants to see it. */
  progress(done: number, total: number | null, activity: string): void {
    const line: OutputLine = { progress: { done, total, activity } };
    if (!this.#response.writableNeedDrain) this.#response.write(`${this.#begin()}${JSON.stringify(line)}\n`);
  }

  failed(error: unknown): void {
    const line: OutputLine =
      error instanceof ConfirmationNeeded ? { question: error.what } : { error: errorFacts(error) };
    this.#response.end(`${JSON.stringify(line)}\n`);
  }

  end(): void {
    this.#response.end(`${this.#begin()}${JSON.stringify({ end: true })}\n`);
  }

  #line(line: OutputLine): void {
    const text = `${JSON.stringify(line)}\n`;
    if (this.begun) this.#response.write(text);
    else this.#early.push(text);
  }

  #begin(): string {
    if (this.begun) return '';
    this.begun = true;
    this.#response.writeHead(200, { 'content-type': LINES });
    const early = this.#early.join('');
    this.#early = [];
    return early;
  }
}

/** `{ "objects": […], "warnings": […] }`, and `"problem"` when it broke off: a bare array could not say so. */
class JsonAnswer {
  readonly #response: ServerResponse;
  readonly #signal: AbortSignal;
  readonly #warnings: string[] = [];
  begun = false;

  constructor(response: ServerResponse, signal: AbortSignal) {
    this.#response = response;
    this.#signal = signal;
  }

  async object(object: Readonly<Record<string, unknown>>): Promise<void> {
    await writeAll(this.#response, `${this.begun ? ',\n' : this.#begin()}${JSON.stringify(object)}`, this.#signal);
  }

  warning(text: string): void {
    this.#warnings.push(text);
  }

  progress(): void {}

  failed(error: unknown): void {
    this.#response.end(
      `],"warnings":${JSON.stringify(this.#warnings)},"problem":${JSON.stringify(problemFor(error))}}`,
    );
  }

  end(): void {
    this.#response.end(`${this.begun ? '' : this.#begin()}],"warnings":${JSON.stringify(this.#warnings)}}`);
  }

  #begin(): string {
    this.begun = true;
    this.#response.writeHead(200, { 'content-type': 'application/json' });
    return '{"objects":[';
  }
}

function problemFor(error: unknown): Problem & { readonly what?: string } {
  if (error instanceof ConfirmationNeeded)
    return { ...problem(409, error.message, 'CONFIRMATION-NEEDED'), what: error.what };
  if (error instanceof MethodRefused) return problem(405, error.message, error.code);
  return problemOf(error);
}

function refuse(response: ServerResponse, error: unknown, log: Log): void {
  if (!(error instanceof Failure) && !response.destroyed) log.error({ err: error }, 'an admin request failed');
  const one = problemFor(error);
  const headers: Record<string, string> = {};
  if (one.status === 401) headers['www-authenticate'] = CHALLENGE;
  if (error instanceof NoPlace) headers['retry-after'] = RETRY_AFTER;
  if (error instanceof MethodRefused) headers['allow'] = error.allowed;
  sendProblem(response, { ...one }, headers);
}

function sendJson(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(text);
}
