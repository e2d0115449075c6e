/**
 * Cmdlets through the control socket: one JSON object in, lines of JSON out as they come. The socket's file mode is
 * the access control (server.ts), and who may open it owns the data directory: so each caller is in Organization
 * Management, and the name of the system user he gives is taken for the audit log as he gives it.
 */
import { Buffer } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as v from 'valibot';
import { systemUser } from '../../config/system-user.ts';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import { ADMIN_REQUEST_BYTES } from '../../wire/limits.ts';
import type { Caller } from '../cmdlet.ts';
import { cmdletObjectSchema, errorFacts, type OutputLine, readRawArguments } from '../cmdlet-json.ts';
import { ConfirmationNeeded, type ManagementDoor, type RunOptions } from '../door.ts';
import { cmdletHelp } from '../help.ts';
import { drained } from './drained.ts';

const callerSchema = { user: v.optional(v.string()), via: v.picklist(['shell', 'command']) };
const callSchema = v.object({
  ...callerSchema,
  args: v.unknown(),
  whatIf: v.optional(v.boolean(), false),
  confirm: v.optional(v.nullable(v.boolean()), null),
  input: v.optional(v.nullable(cmdletObjectSchema), null),
});
const completionSchema = v.object({
  ...callerSchema,
  cmdlet: v.string(),
  parameter: v.string(),
  typed: v.string(),
});

export function localCaller(via: Caller['via'], user: string = systemUser()): Caller {
  return { user: `local:${user}`, roles: ['Organization Management'], via };
}

/** False: no request about cmdlets. */
export async function answerCmdlets(
  door: ManagementDoor,
  request: IncomingMessage,
  response: ServerResponse,
  log: Log,
): Promise<boolean> {
  const path = new URL(request.url ?? '/', 'http://control').pathname;
  const name = /^\/cmdlet\/([^/]+)$/.exec(path)?.[1];
  switch (`${request.method} ${name === undefined ? path : '/cmdlet/NAME'}`) {
    case 'GET /cmdlets':
      sendJson(response, door.cmdlets.map(cmdletHelp));
      return true;
    case 'POST /complete': {
      const { user, via, cmdlet, parameter, typed } = read(completionSchema, await body(request));
      sendJson(response, await door.complete(named(via, user), cmdlet, parameter, typed));
      return true;
    }
    case 'POST /cmdlet/NAME': {
      const call = read(callSchema, await body(request));
      const caller = named(call.via, call.user);
      const { whatIf, confirm, input } = call;
      const options = { whatIf, confirm, input };
      await sendOutput(
        response,
        door,
        caller,
        decodeURIComponent(name ?? ''),
        readRawArguments(call.args),
        options,
        log,
      );
      return true;
    }
    default:
      return false;
  }
}

function named(via: Caller['via'], user: string | undefined): Caller {
  const isName = user !== undefined && /^[\w.@\\$-]{1,64}$/.test(user);
  return isName ? localCaller(via, user) : localCaller(via);
}

/**
 * Runs it and writes every line as it comes; the head goes out with the first one. Aborts the cmdlet when the client
 * leaves. Never throws what a cmdlet refuses: that is the last line.
 */
async function sendOutput(
  response: ServerResponse,
  door: ManagementDoor,
  caller: Caller,
  name: string,
  args: ReturnType<typeof readRawArguments>,
  options: Pick<RunOptions, 'whatIf' | 'confirm' | 'input'>,
  log: Log,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort(new Failure('UNAVAILABLE', 'the client has gone away')));
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const write = (line: OutputLine): boolean => response.destroyed || response.write(`${JSON.stringify(line)}\n`);
  try {
    const output = door.run(caller, name, args, {
      ...options,
      signal: gone.signal,
      onWarning: (warning) => write({ warning }),
      // Progress is worth nothing late.
      onProgress: (done, total, activity) =>
        response.writableNeedDrain || write({ progress: { done, total, activity } }),
    });
    for await (const object of output) if (!write({ object: { ...object } })) await drained(response);
    write({ end: true });
  } catch (error) {
    if (!(error instanceof Failure)) log.error({ err: error, cmdlet: name }, 'a cmdlet failed');
    write(error instanceof ConfirmationNeeded ? { question: error.what } : { error: errorFacts(error) });
  }
  response.end();
}

/** @throws Failure TOOBIG, CLIENTBUG */
async function body(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > ADMIN_REQUEST_BYTES)
      throw new Failure('TOOBIG', `a request takes ${ADMIN_REQUEST_BYTES} bytes at most`);
    chunks.push(part);
  }
  try {
    const json: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return json;
  } catch (cause) {
    throw new Failure('CLIENTBUG', 'the request is no JSON', { cause });
  }
}

function read<S extends v.GenericSchema>(schema: S, json: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  throw new Failure('CLIENTBUG', `the request does not fit: ${v.summarize(result.issues)}`);
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
