/**
 * How a blob is sent (RFC 8620 §6.2): as a file that a browser saves and never runs, under a policy that lets it do
 * nothing; only pictures of a few kinds that hold no script may be shown in place. Kept by the client for good: an id
 * never means other octets.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { FILE_POLICY } from '../../content-security-policy.ts';
import type { Download } from './back-end.ts';
import type { RangeRefused } from './ranges.ts';

/** Raster images: the decoders of browsers read them, and nothing in them is code. */
const SHOWN_IN_PLACE: ReadonlySet<string> = new Set([
  'image/avif',
  'image/bmp',
  'image/gif',
  'image/jpeg',
  'image/png',
  'image/webp',
]);
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i;
const NAME_CHARACTERS = 255;

export interface WantedFile {
  readonly blobId: string;
  /** As the client wants it to be called. */
  readonly name: string;
  /** As the client says it is; octet-stream where that is no media type. */
  readonly type: string;
  readonly inline: boolean;
}

export function mediaTypeOf(text: string | null): string {
  return text !== null && MEDIA_TYPE.test(text) ? text.toLowerCase() : 'application/octet-stream';
}

export const etagOf = (blobId: string): string => `"${blobId}"`;

/** Whether the client has it already (RFC 9110 §13.1.2). */
export function isKnown(headers: IncomingMessage['headers'], blobId: string): boolean {
  const tags = headers['if-none-match'];
  return tags !== undefined && tags.split(',').some((one) => one.trim().replace(/^W\//, '') === etagOf(blobId));
}

/** Head of the answer. */
export function writeFileHead(response: ServerResponse, file: WantedFile, download: Download): void {
  const { size, range } = download;
  response.statusCode = range === null ? 200 : 206;
  setFileHeaders(response, file);
  if (size !== null) {
    response.setHeader('accept-ranges', 'bytes');
    response.setHeader('content-length', range === null ? size : range.end - range.start);
  }
  if (range !== null) response.setHeader('content-range', `bytes ${range.start}-${range.end - 1}/${size}`);
}

/** 304: the same fields, no content. */
export function writeNotModified(response: ServerResponse, file: WantedFile): void {
  response.statusCode = 304;
  setFileHeaders(response, file);
  response.end();
}

export function writeRangeRefused(response: ServerResponse, { size }: RangeRefused): void {
  response.writeHead(416, { 'content-range': `bytes */${size}`, 'cache-control': 'no-store' });
  response.end();
}

function setFileHeaders(response: ServerResponse, { blobId, name, type, inline }: WantedFile): void {
  const disposition = inline && SHOWN_IN_PLACE.has(type) ? 'inline' : 'attachment';
  response.setHeader('content-type', type);
  response.setHeader('content-disposition', `${disposition}${fileNameOf(name)}`);
  response.setHeader('content-security-policy', FILE_POLICY);
  response.setHeader('cache-control', 'private, immutable, max-age=31536000');
  response.setHeader('etag', etagOf(blobId));
}

/** RFC 6266 §5: the name in ASCII for programs that know no other, and as it is (RFC 8187). */
function fileNameOf(name: string): string {
  const clean = name
    // Separators and control characters are no part of a file's name, whatever the sender says.
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069/\\]/g, '_')
    .slice(0, NAME_CHARACTERS)
    .toWellFormed();
  if (clean === '') return '';
  const ascii = clean.replace(/[^ -~]|["%]/g, '_');
  const encoded = encodeURIComponent(clean).replace(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
