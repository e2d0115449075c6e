/**
 * Content Security Policies of what the web host sends (W3C CSP 3), each in one place and nowhere else: the app, the
 * frames that show mail, files of mail. Violations are reported by `report-uri`: `report-to` is what the standard
 * prefers, but browsers that know it then wait up to a minute, and some of those in use do not know it.
 */

/** Where browsers send reports (csp-reports.ts). */
export const CSP_REPORT_PATH = '/csp-report/';

type Directives = Readonly<Record<string, readonly string[]>>;

const policy = (directives: Directives): string =>
  Object.entries(directives)
    .map(([name, values]) => [name, ...values].join(' '))
    .join('; ');

/**
 * The one style sheet that a library puts into the page itself: react-aria's rule for what can be pressed. Allowed by
 * its hash; a test compares it with the installed version.
 */
export const REACT_ARIA_STYLE_HASH = "'sha256-38RhXrc7EdReTKsOm23ZPOCUgniTUUcjky8QOOrQx6o='";

/** Of the app's document. Everything else of the app is a file under its own origin; nothing stands inline. */
export const APP_POLICY = policy({
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'", REACT_ARIA_STYLE_HASH],
  // Pictures of mail are seen in the frames; blob: is for those that somebody puts into a message he writes.
  'img-src': ["'self'", 'data:', 'blob:'],
  'font-src': ["'self'"],
  'connect-src': ["'self'"],
  'frame-src': ["'self'"],
  'manifest-src': ["'self'"],
  'worker-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
  // HTML can become nodes of the app through DOMPurify only, whoever asks: the editor's library among them.
  'require-trusted-types-for': ["'script'"],
  'trusted-types': ['default', 'dompurify'],
  'report-uri': [CSP_REPORT_PATH],
});

/** Headers of the app's document. `opener-policy`: a page that a mail's link opened can never reach the app. */
export const APP_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': APP_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
};

/** Which pictures a frame may load: those of the message itself, or also those on the web. */
export type FramePictures = 'own' | 'remote';

/**
 * Of a frame that shows mail. No script can run in it, whatever got past both sanitizers, and nothing can be fetched
 * but pictures. `allow-same-origin` lets the app put nodes into it and measure it; without `allow-scripts` it gives the
 * mail nothing. Links open in a window of their own, which is not sandboxed.
 */
export const framePolicy = (pictures: FramePictures): string =>
  policy({
    'default-src': ["'none'"],
    'script-src': ["'none'"],
    'style-src': ["'unsafe-inline'"],
    'img-src': ["'self'", 'data:', ...(pictures === 'remote' ? ['https:'] : [])],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'self'"],
    sandbox: ['allow-same-origin', 'allow-popups', 'allow-popups-to-escape-sandbox'],
    'report-uri': [CSP_REPORT_PATH],
  });

/** Of files that came by mail: shown on their own they can do nothing, and are nobody's origin. */
export const FILE_POLICY = policy({
  'default-src': ["'none'"],
  sandbox: [],
  'frame-ancestors': ["'none'"],
});
