/** What somebody types for a link, as an address that a link may have. Pure. */

const SCHEMES = new Set(['http:', 'https:', 'mailto:', 'tel:', 'ftp:']);

/** Null: none. */
export function linkAddress(typed: string): string | null {
  const text = typed.trim();
  if (text === '' || /\s/u.test(text)) return null;
  if (/^[^\s@/:]+@[^\s@/:]+\.[^\s@/:]+$/u.test(text)) return `mailto:${text}`;
  // `example.org:8080` is a host with a port, no scheme.
  const hasScheme = /^[a-z][a-z0-9+.-]*:(?!\d)/i.test(text);
  const parsed = URL.parse(hasScheme ? text : `https://${text}`);
  if (parsed === null || !SCHEMES.has(parsed.protocol)) return null;
  return hasScheme || parsed.hostname.includes('.') ? parsed.href : null;
}
