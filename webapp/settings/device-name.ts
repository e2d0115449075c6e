/** `Firefox, Windows` from what a browser says it is; its own words where they are none of the known ones. */
const BROWSERS: ReadonlyArray<readonly [RegExp, string]> = [
  [/\bEdg(e|A|iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bHeadlessChrome\/|\bChrome\/|\bCriOS\/|\bChromium\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];
const SYSTEMS: ReadonlyArray<readonly [RegExp, string]> = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
];

const named = (rows: ReadonlyArray<readonly [RegExp, string]>, text: string): string | undefined =>
  rows.find(([pattern]) => pattern.test(text))?.[1];

export function deviceName(userAgent: string): string {
  const found = [named(BROWSERS, userAgent), named(SYSTEMS, userAgent)].filter((one) => one !== undefined);
  return found.length === 0 ? userAgent.slice(0, 60) || '?' : found.join(', ');
}
