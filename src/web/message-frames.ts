/**
 * `/frame/text` and `/frame/pictures`: empty documents into which the app puts the nodes of a message (ADR 12 §5). They
 * are sent by the server, not made by `srcdoc`, because only so they have a policy of their own: a frame without an
 * address inherits that of the app. They hold nothing, so that anybody may have them.
 */
import { Failure } from '../observe/failure.ts';
import { framePolicy, type FramePictures } from './content-security-policy.ts';
import type { WebExchange, WebHandler } from './https-host.ts';

export const FRAME_PREFIX = '/frame/';
const PICTURES: ReadonlyMap<string, FramePictures> = new Map([
  [`${FRAME_PREFIX}text`, 'own'],
  [`${FRAME_PREFIX}pictures`, 'remote'],
]);
/** A doctype, or the browser shows mail in quirks mode; the title is for screen readers that list frames. */
const DOCUMENT = '<!doctype html><html><head><meta charset="utf-8"><title>Message</title></head><body></body></html>';
/** The document never changes, its policy may with a new version. */
const CACHE = 'private, max-age=3600';

export const messageFrames: WebHandler = { prefix: FRAME_PREFIX, handle: (exchange) => serve(exchange) };

async function serve({ request, response, url }: WebExchange): Promise<void> {
  const pictures = PICTURES.get(url.pathname);
  if (pictures === undefined) throw new Failure('NONEXISTENT', `there is nothing at ${url.pathname.slice(0, 200)}`);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    throw new Failure('CLIENTBUG', 'only GET and HEAD are served here');
  }
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(DOCUMENT),
    'content-security-policy': framePolicy(pictures),
    // The host denies all framing; the app frames this one.
    'x-frame-options': 'SAMEORIGIN',
    'cache-control': CACHE,
  });
  response.end(request.method === 'HEAD' ? undefined : DOCUMENT);
}
