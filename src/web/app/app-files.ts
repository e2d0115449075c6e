/**
 * The built browser app (webapp/dist): one document for all of its pages, files with their hash in the name, which
 * never change, sent compressed as the build left them. Compiles nothing, knows no user.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fastifyStatic } from '@fastify/static';
import { fastify, type FastifyInstance } from 'fastify';
import { Failure } from '../../observe/failure.ts';
import { APP_HEADERS } from '../content-security-policy.ts';
import type { WebExchange, WebHandler } from '../https-host.ts';

/** First part of the path of every page (webapp/pages.tsx). What is none of them is not there. */
export const PAGES: readonly string[] = ['', 'sign-in', 'mail', 'calendar', 'settings', 'console'];
/** Beside the document: fetched again when the app is, so they may stay with a browser for an hour. */
const FILES: readonly string[] = ['icon.svg', 'manifest.webmanifest'];
const DOCUMENT = 'index.html';
const YEAR_SECONDS = 31_536_000;

/** `dist`: folder that the build has filled; without it every page says so with 503. */
export async function appFiles(dist: string): Promise<WebHandler> {
  const server = existsSync(path.join(dist, DOCUMENT)) ? await filesOf(dist) : null;
  return {
    prefix: '/',
    handle: async (exchange) => {
      const [first = ''] = exchange.url.pathname.slice(1).split('/');
      const isPage = PAGES.includes(first);
      if (!isPage && first !== 'assets' && !FILES.includes(first)) throw nothingAt(exchange);
      if (exchange.request.method !== 'GET' && exchange.request.method !== 'HEAD')
        throw new Failure('CLIENTBUG', 'the pages take GET and HEAD');
      if (server === null)
        throw new Failure('UNAVAILABLE', 'the web app has not been built on this server: run `npm run build` there');
      await answered(server, exchange);
    },
  };
}

const nothingAt = ({ url }: WebExchange): Failure =>
  new Failure('NONEXISTENT', `there is nothing at ${url.pathname.slice(0, 200)}`);

/** Fastify without a listener: it holds no socket, so that there is nothing to close. */
async function filesOf(dist: string): Promise<FastifyInstance> {
  const server = fastify({ logger: false, routerOptions: { ignoreTrailingSlash: true } });
  await server.register(fastifyStatic, { root: dist, preCompressed: true, serve: false, index: false });
  server.get('/assets/*', (request, reply) => {
    const { pathname } = new URL(request.url, 'https://host');
    return reply.sendFile(pathname.slice(1), { maxAge: YEAR_SECONDS * 1000, immutable: true });
  });
  for (const file of FILES) server.get(`/${file}`, (_, reply) => reply.sendFile(file, { maxAge: '1h' }));
  server.get('/*', (_, reply) => reply.headers(APP_HEADERS).sendFile(DOCUMENT, { cacheControl: false }));
  server.addHook('onSend', async (request, reply) => {
    // The document names the newest files: it is asked for each time, and answered 304 mostly.
    if (reply.getHeader('cache-control') === undefined && reply.statusCode < 400)
      reply.header('cache-control', request.url.startsWith('/assets/') ? 'no-store' : 'no-cache');
  });
  await server.ready();
  return server;
}

/** Resolves when the answer is sent, or the client has gone away. */
function answered(server: FastifyInstance, { request, response }: WebExchange): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once('close', resolve);
  server.routing(request, response);
  return promise;
}
