/**
 * The door as the shell and one-shot commands use it, whether the cmdlets run here or in the running server.
 * Through the socket nothing is copied ahead: the server waits while this side does not ask for more.
 */
import { Buffer } from 'node:buffer';
import { type IncomingMessage, request } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import * as v from 'valibot';
import { Failure } from '../observe/failure.ts';
import type { RawArguments } from './binding.ts';
import type { Caller, CmdletObject } from './cmdlet.ts';
import { failureOf, outputLineSchema } from './cmdlet-json.ts';
import { ConfirmationNeeded, type ManagementDoor } from './door.ts';
import { type CmdletHelp, cmdletHelp, cmdletHelpSchema } from './help.ts';

export interface DoorOptions {
  readonly whatIf: boolean;
  /** True: ask; false: never ask; null: ask before a dangerous change. */
  readonly confirm: boolean | null;
  /** The object that came through the pipeline. */
  readonly input: CmdletObject | null;
  readonly signal: AbortSignal;
  onWarning(text: string): void;
  onProgress(done: number, total: number | null, activity: string): void;
}

export interface Door {
  cmdlets(): Promise<readonly CmdletHelp[]>;
  /** @throws Failure; ConfirmationNeeded: run it again with `confirm: false` when the person says yes */
  run(name: string, args: RawArguments, options: DoorOptions): AsyncIterable<CmdletObject>;
  complete(cmdlet: string, parameter: string, typed: string): Promise<readonly string[]>;
}

export function doorInProcess(door: ManagementDoor, caller: Caller): Door {
  return {
    cmdlets: () => Promise.resolve(door.cmdlets.map(cmdletHelp)),
    run: (name, args, options) => door.run(caller, name, args, options),
    complete: (cmdlet, parameter, typed) => door.complete(caller, cmdlet, parameter, typed),
  };
}

/** `user`: who asks, for the audit log; whoever may open the socket is believed (control/cmdlets.ts says why). */
export function doorOverSocket(socket: string, caller: Pick<Caller, 'via'> & { readonly user: string }): Door {
  return {
    cmdlets: async () =>
      v.parse(v.array(cmdletHelpSchema), await json(await send(socket, 'GET', '/cmdlets', null, null))),
    complete: async (cmdlet, parameter, typed) => {
      const body = { ...caller, cmdlet, parameter, typed };
      return v.parse(v.array(v.string()), await json(await send(socket, 'POST', '/complete', body, null)));
    },
    run: (name, args, options) => remoteRun(socket, caller, name, args, options),
  };
}

async function* remoteRun(
  socket: string,
  caller: { readonly user: string; readonly via: Caller['via'] },
  name: string,
  args: RawArguments,
  options: DoorOptions,
): AsyncGenerator<CmdletObject> {
  const { whatIf, confirm, input } = options;
  options.signal.throwIfAborted();
  const path = `/cmdlet/${encodeURIComponent(name)}`;
  const response = await send(socket, 'POST', path, { ...caller, args, whatIf, confirm, input }, options.signal);
  for await (const text of lines(response)) {
    const line = v.parse(outputLineSchema, JSON.parse(text));
    if ('object' in line) yield line.object;
    else if ('warning' in line) options.onWarning(line.warning);
    else if ('progress' in line) options.onProgress(line.progress.done, line.progress.total, line.progress.activity);
    else if ('question' in line) throw new ConfirmationNeeded(line.question);
    else if ('error' in line) throw failureOf(line.error);
    else return;
  }
  throw new Failure('UNAVAILABLE', `the server has gone away; whether ${name} was done is not known`);
}

/** @throws Failure as the server gave it; the system's error when nobody listens */
async function send(
  socket: string,
  method: string,
  path: string,
  body: unknown,
  signal: AbortSignal | null,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = request({
    socketPath: socket,
    method,
    path,
    agent: false,
    headers: { 'content-type': 'application/json' },
    ...(signal === null ? {} : { signal }),
  });
  outgoing.once('response', resolve);
  // Stays: an abort while the answer comes is reported here as well as by the response.
  outgoing.on('error', reject);
  outgoing.end(body === null ? undefined : JSON.stringify(body));
  const response = await promise;
  if (response.statusCode === 200) return response;
  const fault = v.safeParse(v.object({ code: v.string(), text: v.string() }), await json(response));
  throw fault.success ? failureOf(fault.output) : new Failure('UNAVAILABLE', 'the server gave an answer without sense');
}

async function json(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(Buffer.from(chunk));
  const read: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  return read;
}

async function* lines(response: IncomingMessage): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of response) {
    const parts = (rest + decoder.write(Buffer.from(chunk))).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
}
