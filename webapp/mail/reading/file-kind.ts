/** What a file is, as far as its media type says. Pure. */

export type FileKind = 'picture' | 'text' | 'archive' | 'sound' | 'film' | 'message' | 'other';

const ARCHIVES = /^application\/(?:zip|gzip|x-(?:tar|7z-compressed|rar-compressed|bzip2?|xz)|vnd\.rar)$/;
const TEXTS = /^application\/(?:pdf|msword|rtf|vnd\.(?:openxmlformats|oasis|ms-))/;

export function kindOf(mediaType: string): FileKind {
  const type = mediaType.toLowerCase();
  if (type.startsWith('image/')) return 'picture';
  if (type.startsWith('audio/')) return 'sound';
  if (type.startsWith('video/')) return 'film';
  if (type === 'message/rfc822' || type === 'message/global') return 'message';
  if (ARCHIVES.test(type)) return 'archive';
  return type.startsWith('text/') || TEXTS.test(type) ? 'text' : 'other';
}

/** Those that every browser draws and that hold no script; a larger one is not drawn before it is asked for. */
const DRAWN = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'image/bmp']);
const PREVIEW_BYTES = 10_000_000;

export const isPreviewed = ({ type, size }: { readonly type: string; readonly size: number }): boolean =>
  DRAWN.has(type.toLowerCase()) && size <= PREVIEW_BYTES;
