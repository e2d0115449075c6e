/**
 * Takes the reports that browsers send when a page breaks its Content Security Policy: an attack by mail that got past
 * the sanitizers, or a mistake of ours. Anybody can send one, so a report is a hint: small, few, and written to the
 * log as data. Mail is nobody's business: of a blocked address only its origin is kept.
 */
import * as v from 'valibot';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { tally } from '../observe/metrics/tally.ts';
import { CSP_REPORT_PATH } from './content-security-policy.ts';
import { readBody, type WebHandler } from './https-host.ts';

/** A report names a directive, two addresses and the policy. */
export const CSP_REPORT_BYTES = 8 * 1024;
/** Reports logged in a minute, of all browsers; what comes beyond is refused. */
export const CSP_REPORTS_PER_MINUTE = 120;
/** Of those, of one address. */
export const CSP_REPORTS_OF_ONE = 40;
const MINUTE_MS = 60_000;
const SHOWN_CHARACTERS = 200;

const reportSchema = v.object({
  'csp-report': v.object({
    'effective-directive': v.optional(v.string()),
    'violated-directive': v.optional(v.string()),
    'blocked-uri': v.optional(v.string(), ''),
    'document-uri': v.optional(v.string(), ''),
    'source-file': v.optional(v.string()),
    'line-number': v.optional(v.number()),
  }),
});

/** Label values of the metric: a client's words never become a series. */
const DIRECTIVES = new Set([
  'connect-src',
  'default-src',
  'font-src',
  'form-action',
  'frame-ancestors',
  'frame-src',
  'img-src',
  'media-src',
  'object-src',
  'require-trusted-types-for',
  'script-src',
  'script-src-attr',
  'script-src-elem',
  'style-src',
  'style-src-attr',
  'style-src-elem',
  'trusted-types',
]);

export function cspReports(log: Log, now: () => number = () => performance.now()): WebHandler {
  const admission = new Admission(now);
  return {
    prefix: CSP_REPORT_PATH,
    handle: async ({ request, response, remoteAddress }) => {
      if (request.method !== 'POST') {
        response.setHeader('allow', 'POST');
        throw new Failure('CLIENTBUG', 'only POST is served here');
      }
      if (!admission.admit(remoteAddress)) throw new Failure('LIMIT', 'enough reports for now; try again in a minute');
      const report = readReport((await readBody(request, CSP_REPORT_BYTES)).toString('utf8'));
      tally.cspReports.add([DIRECTIVES.has(report.directive) ? report.directive : 'other']);
      log.warn({ protocol: 'web', client: remoteAddress, ...report }, 'a browser refused what a page wanted to do');
      response.writeHead(204);
      response.end();
    },
  };
}

interface Report {
  readonly directive: string;
  /** Origin, or a keyword such as `inline`. */
  readonly blocked: string;
  /** Path of the page. */
  readonly page: string;
  readonly source: string | null;
}

/** @throws Failure CLIENTBUG */
function readReport(text: string): Report {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Failure('CLIENTBUG', 'a report is a JSON document');
  }
  const parsed = v.safeParse(reportSchema, json);
  if (!parsed.success) throw new Failure('CLIENTBUG', 'this is no report of a Content Security Policy');
  const report = parsed.output['csp-report'];
  const directive = report['effective-directive'] ?? report['violated-directive'] ?? '';
  if (directive === '') throw new Failure('CLIENTBUG', 'a report names the directive that was broken');
  const source = report['source-file'];
  return {
    directive: directive.split(' ', 1)[0]?.slice(0, SHOWN_CHARACTERS) ?? '',
    blocked: originOf(report['blocked-uri']),
    page: pathOf(report['document-uri']),
    source: source === undefined ? null : `${pathOf(source)}:${report['line-number'] ?? 0}`,
  };
}

function originOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null) return address.slice(0, SHOWN_CHARACTERS);
  return (url.origin === 'null' ? url.protocol : url.origin).slice(0, SHOWN_CHARACTERS);
}

function pathOf(address: string): string {
  return (URL.canParse(address) ? new URL(address).pathname : address).slice(0, SHOWN_CHARACTERS);
}

/** Counts by the minute; forgets everything when a new one begins, so that it stays small. */
class Admission {
  readonly #now: () => number;
  readonly #byAddress = new Map<string, number>();
  #since = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  admit(address: string): boolean {
    const now = this.#now();
    if (now - this.#since >= MINUTE_MS) {
      this.#since = now;
      this.#count = 0;
      this.#byAddress.clear();
    }
    const own = this.#byAddress.get(address) ?? 0;
    if (this.#count >= CSP_REPORTS_PER_MINUTE || own >= CSP_REPORTS_OF_ONE) return false;
    this.#count += 1;
    this.#byAddress.set(address, own + 1);
    return true;
  }
}
