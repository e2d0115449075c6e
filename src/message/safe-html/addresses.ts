/**
 * Addresses in mail: which of them a link may have, which pictures may be shown, and whether the text of a link claims
 * another host than it leads to. Pure.
 */

/** A longer one is no link that anybody could follow. */
export const ADDRESS_CHARACTERS = 8 * 1024;
const LINK_SCHEMES = new Set(['http:', 'https:', 'mailto:', 'tel:']);
/** Raster formats only: an SVG is a document. */
const DATA_PICTURE = /^data:image\/(?:png|gif|jpe?g|webp|bmp|avif);base64,[A-Za-z0-9+/=\s]+$/i;
/** White space and controls, which browsers leave out of addresses wherever they stand. */
const IGNORED = /[\u0000-\u0020\u007f-\u00a0\u00ad\u200b-\u200f\u2028\u2029\u202a-\u202e\u2060\ufeff]+/g;

/** What a link may point to, written as a browser would understand it; null: nothing. */
export function linkAddress(written: string): string | null {
  if (written.length > ADDRESS_CHARACTERS) return null;
  const address = written.trim().replaceAll(/[\t\r\n]/g, '');
  // Mail has no base: what is relative leads into the app.
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !LINK_SCHEMES.has(url.protocol)) return null;
  // https://bank.example@evil.example/
  url.username = '';
  url.password = '';
  return url.href;
}

/** Lower case, without `www.`; null: it leads to no host. */
export function hostOf(address: string): string | null {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return null;
  return url.hostname.replace(/^www\./, '').replace(/\.$/, '');
}

/**
 * The host that the text of a link shows, where it shows one: `https://bank.example/x`, `www.bank.example`,
 * `bank.example`. Null: it is only words.
 */
export function shownHost(text: string): string | null {
  const shown = text.replaceAll(IGNORED, '').toLowerCase();
  if (shown.length > 500) return null;
  const candidate =
    /^(?:https?:\/\/|\/\/)?((?:[\p{L}\p{N}_-]{1,63}\.){1,8}[\p{L}]{2,24})(?::\d{1,5})?(?:[/?#].*)?$/u.exec(shown)?.[1];
  if (candidate === undefined) return null;
  const isCertain = /^(?:https?:\/\/|\/\/|www\.)/.test(shown) || TOP_LEVELS.test(candidate);
  return isCertain ? hostOf(`https://${candidate}`) : null;
}
/** `report.pdf` is a name of a file, `paypal.com` is one of a host. */
const TOP_LEVELS = /\.(?:com|org|net|edu|gov|info|biz|eu|app|dev|shop|online|bank|example|test|[a-z]{2})$/;
const FILE_ENDINGS = new Set(['ai', 'cc', 'gz', 'js', 'md', 'pl', 'pm', 'ps', 'py', 'rs', 'sh', 'so', 'ts', 'vb']);

/** Whether `text` shows a host that the link does not lead to; subdomains of the shown one are its own. */
export function misleads(text: string, address: string): string | null {
  const shown = shownHost(text);
  if (shown === null || FILE_ENDINGS.has(shown.slice(shown.lastIndexOf('.') + 1))) return null;
  const real = hostOf(address);
  return real === null || real === shown || real.endsWith(`.${shown}`) || shown.endsWith(`.${real}`) ? null : shown;
}

export type PictureAddress =
  /** Part of the message, named by Content-ID or Content-Location. */
  | { readonly kind: 'own'; readonly name: string }
  | { readonly kind: 'data'; readonly address: string }
  /** On the web: always by https, whatever was written. */
  | { readonly kind: 'remote'; readonly address: string }
  | { readonly kind: 'none' };

export function pictureAddress(written: string): PictureAddress {
  const address = written.trim();
  if (/^data:/i.test(address)) return DATA_PICTURE.test(address) ? { kind: 'data', address } : { kind: 'none' };
  if (address.length > ADDRESS_CHARACTERS || address === '') return { kind: 'none' };
  const cid = /^cid:(.+)$/is.exec(address)?.[1];
  if (cid !== undefined) return { kind: 'own', name: contentId(cid) };
  const full = /^[/\\]{2}/.test(address) ? `https:${address}` : address;
  const url = URL.canParse(full) ? new URL(full) : null;
  if (url === null) return { kind: 'own', name: address };
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return { kind: 'none' };
  url.protocol = 'https:';
  url.username = '';
  url.password = '';
  return { kind: 'remote', address: url.href };
}

/** RFC 2392 §2: a content id as it stands in the header, without its angle brackets. */
function contentId(cid: string): string {
  try {
    return decodeURIComponent(cid).trim();
  } catch {
    return cid.trim();
  }
}
