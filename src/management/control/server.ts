/**
 * The control door: HTTP on a Unix socket that only the server's own user may open. File permissions are the whole
 * access control, so it is made with a closed umask and never listens on an address.
 */
import { once } from 'node:events';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import path from 'node:path';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import { framesOf, readItems } from '../transfer/frames.ts';
import type { ImportTarget } from '../transfer/import.ts';
import { exportMailbox, mailboxImport } from '../transfer/mailbox-transfer.ts';
import type { ManagementDoor } from '../door.ts';
import { type ControlServices, verifyMailbox, withMailbox } from './api.ts';
import { answerCmdlets } from './cmdlets.ts';
import { drained } from './drained.ts';

export interface ControlDoor {
  readonly socket: string;
  close(): Promise<void>;
}

/** Targets are paths; URL wants a host before them. */
const BASE = 'http://control';
/** Messages of one import whose commit is not yet known. */
const IN_FLIGHT_MESSAGES = 128;

/** The caller holds the instance lock: a socket file that is there already was left behind. */
export async function openControlDoor(
  socket: string,
  services: ControlServices,
  cmdlets: ManagementDoor,
  log: Log,
): Promise<ControlDoor> {
  await mkdir(path.dirname(socket), { recursive: true, mode: 0o700 });
  await rm(socket, { force: true });
  const active = new Set<Promise<void>>();
  const server = createServer({ requestTimeout: 0, headersTimeout: 10_000 }, (request, response) => {
    const work = answer(services, cmdlets, request, response, log).finally(() => active.delete(work));
    active.add(work);
  });
  await listen(server, socket);
  await chmod(socket, 0o600);
  return {
    socket,
    close: async () => {
      server.close();
      server.closeAllConnections();
      // An import that was cut off lets go of its mailbox before the databases close.
      await Promise.allSettled(active);
      await rm(socket, { force: true });
    },
  };
}

async function listen(server: Server, socket: string): Promise<void> {
  const before = process.umask(0o177);
  try {
    server.listen(socket);
    await once(server, 'listening');
  } finally {
    process.umask(before);
  }
}

async function answer(
  services: ControlServices,
  cmdlets: ManagementDoor,
  request: IncomingMessage,
  response: ServerResponse,
  log: Log,
): Promise<void> {
  const target = request.url ?? '/';
  try {
    if (!URL.canParse(target, BASE)) throw new Failure('CLIENTBUG', 'the request target is no path');
    const url = new URL(target, BASE);
    if (await answerCmdlets(cmdlets, request, response, log)) return;
    await route(services, request, response, url, log);
  } catch (error) {
    const failure =
      error instanceof Failure ? error : new Failure('SERVERBUG', 'an internal error; see the log', { cause: error });
    if (!(error instanceof Failure)) log.error({ err: error, path: target }, 'a control request failed');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    sendJson(response, failure.code === 'NONEXISTENT' ? 404 : 500, { code: failure.code, text: failure.message });
  }
}

async function route(
  services: ControlServices,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  log: Log,
): Promise<void> {
  const session = /^\/sessions\/([0-9A-Za-z-]+)$/.exec(url.pathname)?.[1];
  const mailbox = url.searchParams.get('mailbox') ?? '';
  switch (`${request.method} ${session === undefined ? url.pathname : '/sessions/ID'}`) {
    case 'GET /status':
      sendJson(response, 200, await services.status());
      return;
    case 'GET /health':
      sendJson(response, 200, services.health());
      return;
    case 'GET /sessions':
      sendJson(response, 200, services.sessions());
      return;
    case 'DELETE /sessions/ID':
      if (!services.endSession(session ?? '')) throw new Failure('NONEXISTENT', `there is no session ${session}`);
      sendJson(response, 200, {});
      return;
    case 'GET /lock-outs':
      sendJson(response, 200, services.lockOuts());
      return;
    case 'DELETE /lock-outs': {
      const address = url.searchParams.get('address') ?? '';
      const lifted = services.liftLockOuts(address, url.searchParams.get('user'));
      log.info({ address, lifted }, 'lock-outs lifted');
      sendJson(response, 200, { lifted });
      return;
    }
    case 'POST /verify': {
      const account = await services.accountWithMailbox(mailbox);
      sendJson(response, 200, await verifyMailbox(services.databaseOf(account), account));
      return;
    }
    case 'DELETE /mailbox': {
      const account = await services.accountWithMailbox(mailbox);
      await services.purgeMailbox(account);
      log.info({ mailbox }, 'mailbox deleted');
      sendJson(response, 200, {});
      return;
    }
    case 'POST /import':
      await withMailbox(services, mailbox, async (open, database) => {
        await receive(mailboxImport(database, open), request, response);
      });
      log.info({ mailbox }, 'import ended');
      return;
    case 'GET /digests':
      await withMailbox(services, mailbox, async (open, database) => {
        response.writeHead(200, { 'content-type': 'application/x-ndjson' });
        const from = Number(url.searchParams.get('from') ?? 1);
        for await (const digest of mailboxImport(database, open).digests(url.searchParams.get('folder') ?? '', from)) {
          await write(response, `${JSON.stringify(digest)}\n`);
        }
        response.end();
      });
      return;
    case 'GET /export':
      await withMailbox(services, mailbox, async (open) => {
        const items = exportMailbox(open, { folder: url.searchParams.get('folder') });
        for await (const frame of framesOf(items)) {
          if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/octet-stream' });
          await write(response, frame);
        }
        response.end();
      });
      log.info({ mailbox }, 'export ended');
      return;
    default:
      throw new Failure('NONEXISTENT', `no such control request: ${request.method} ${url.pathname}`);
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function write(response: ServerResponse, data: string | Buffer): Promise<void> {
  if (response.destroyed) throw new Error('the command has gone away');
  if (!response.write(data)) await drained(response);
}

/** Frames in, one line of JSON out for each folder and message, as soon as it is durable. */
async function receive(target: ImportTarget, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  const inFlight = new Set<Promise<void>>();
  const reply = (line: object): void => {
    if (!response.destroyed) response.write(`${JSON.stringify(line)}\n`);
  };
  const refuse = (n: number, error: unknown): void => {
    const failure = error instanceof Failure ? error : null;
    reply({ n, code: failure?.code ?? 'SERVERBUG', text: error instanceof Error ? error.message : String(error) });
  };
  for await (const item of readItems(request)) {
    const { n } = item;
    if (item.kind === 'folder') {
      await target.folder(item.folder).then(
        (folder) => reply({ n, ...folder }),
        (error: unknown) => refuse(n, error),
      );
      continue;
    }
    try {
      const { stored } = await target.append(item.message.folder, item.message);
      const settled = stored
        .then(
          (uid) => reply({ n, uid }),
          (error: unknown) => refuse(n, error),
        )
        .finally(() => inFlight.delete(settled));
      inFlight.add(settled);
    } catch (error) {
      refuse(n, error);
    }
    if (inFlight.size >= IN_FLIGHT_MESSAGES) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  response.end();
}
