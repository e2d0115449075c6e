/**
 * `<I>issuer<S>subject`, the way in which a receive connector names its certificate (TlsCertificateName,
 * exchange-behaviour.md §3.4, §5.9), and distinguished names on one line. Pure.
 */
/** Distinguished names as OpenSSL and `X509Certificate` give them: one attribute a line. */
interface Names {
  readonly issuer: string;
  readonly subject: string;
}

/** OpenSSL gives one attribute a line, in either order; people and Windows write `CN=…, O=…`. */
export function oneLineName(name: string): string {
  const parts = name.split('\n').filter((part) => part !== '');
  return (parts[0]?.startsWith('CN=') === true ? parts : parts.toReversed()).join(', ');
}

export const tlsCertificateName = (facts: Names): string =>
  `<I>${oneLineName(facts.issuer)}<S>${oneLineName(facts.subject)}`;

/** Attributes in any order, spaces and case aside. */
function key(name: string): string {
  return name
    .split(/[,\n]/)
    .map((part) =>
      part
        .trim()
        .toLowerCase()
        .replaceAll(/\s*=\s*/g, '='),
    )
    .filter((part) => part !== '')
    .toSorted()
    .join(',');
}

/** Whether `typed` means this certificate. */
export function isNamedBy(facts: Names, typed: string): boolean {
  const match = /^<I>(.*)<S>(.*)$/is.exec(typed.trim());
  return match !== null && key(match[1] ?? '') === key(facts.issuer) && key(match[2] ?? '') === key(facts.subject);
}
