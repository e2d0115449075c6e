/**
 * The configuration file of one server process: every key with its type, range, default and help, once.
 * docs/admin/configuration.md is made from this schema and a test holds the two together.
 *
 * What an admin changes while Penfold runs (ports, connectors, limits, mailboxes) lives in the directory, not here:
 * this file holds only what is needed before the directory can be opened, and what belongs to this machine.
 */
import * as v from 'valibot';

const wholeNumber = (least: number, most: number, unset: number, help: string) =>
  v.optional(v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most), v.description(help)), unset);

/** A share, 0–1. */
const share = (unset: number, help: string) =>
  v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1), v.description(help)), unset);

const text = (unset: string, help: string) => v.optional(v.pipe(v.string(), v.nonEmpty(), v.description(help)), unset);

/** Like `text`, and empty means: none. */
const maybeText = (help: string, unset = '') => v.optional(v.pipe(v.string(), v.description(help)), unset);

const tlsSection = v.strictObject({
  certificate: maybeText(
    "PEM file with a public certificate and its chain, shown to clients instead of the organization's own; a change of the file is noticed by itself. Relative to the data directory unless absolute.",
  ),
  key: maybeText('PEM file with its private key.'),
});

const serverSection = v.strictObject({
  name: v.optional(
    v.pipe(
      v.string(),
      v.maxLength(64),
      v.description(
        'Name of this server in the directory. Empty: the only server there is; needed when the directory knows several.',
      ),
    ),
    '',
  ),
});

const directorySection = v.strictObject({
  url: maybeText(
    'PostgreSQL database that holds the directory of an organization of several servers: `postgres://user@host/database`; several hosts, with commas between, are the members of one cluster. Empty: the SQLite file of this data directory.',
  ),
  url_file: maybeText(
    'File whose first line is that URL instead, so that its password stands in a file of its own (0600). Relative to the data directory unless absolute.',
  ),
});

const logSection = v.strictObject({
  level: v.optional(
    v.pipe(
      v.picklist(['debug', 'info', 'warn', 'error']),
      v.description('Least important lines that are written. `debug` names every command a client sends.'),
    ),
    'info',
  ),
  destination: text(
    'logs/penfold.log',
    'File for JSON log lines, relative to the data directory unless absolute; `stdout` or `stderr` for those streams.',
  ),
});

const shutdownSection = v.strictObject({
  drain_seconds: wholeNumber(
    0,
    600,
    20,
    'On stop, seconds that running sessions get to end by themselves before they are closed. New ones are refused at once.',
  ),
});

const webSection = v.strictObject({
  bindings: maybeText(
    'Addresses and ports of the `web` service (HTTPS: web app, JMAP, admin API), as `address:port` with commas between. Empty: nowhere.',
    '0.0.0.0:443, [::]:443',
  ),
  redirect_bindings: maybeText(
    'Where plain HTTP is sent to HTTPS, and nothing else is answered. A port that cannot be opened does not keep the server from running. Empty: nowhere.',
    '0.0.0.0:80, [::]:80',
  ),
});

const metricsSection = v.strictObject({
  listen: maybeText(
    'Where Prometheus finds `/metrics` and load balancers `/healthz`, plain HTTP, as `address:port`: `127.0.0.1:9464`. Empty: nowhere. See monitoring.md.',
  ),
});

const tracesSection = v.strictObject({
  endpoint: maybeText(
    'URL of an OpenTelemetry collector (OTLP over HTTP) that traces are sent to: `http://127.0.0.1:4318/v1/traces`. Empty: no traces.',
  ),
  sample: share(1, 'Share of sessions and cmdlets that are traced: 1 all, 0.01 one in a hundred.'),
});

const controlSection = v.strictObject({
  socket: text(
    'run/control.sock',
    'Unix socket through which `penfold` commands reach the running server; only its owner may use it.',
  ),
});

export const configurationSchema = v.strictObject({
  server: v.optional(serverSection, {}),
  directory: v.optional(directorySection, {}),
  tls: v.optional(tlsSection, {}),
  log: v.optional(logSection, {}),
  shutdown: v.optional(shutdownSection, {}),
  web: v.optional(webSection, {}),
  control: v.optional(controlSection, {}),
  metrics: v.optional(metricsSection, {}),
  traces: v.optional(tracesSection, {}),
});

export type Configuration = v.InferOutput<typeof configurationSchema>;

/** Keys of earlier versions, by `section.key`, and what takes their place: a file that has one says so. */
export const RETIRED_KEYS: ReadonlyMap<string, string> = new Map([
  [
    'mailboxes.retention_days',
    'how long deleted messages can be recovered is a setting of each mailbox database now; take the line out and run, for 30 days: penfold Set-MailboxDatabase NAME -DeletedItemRetention 30.00:00:00 (names: penfold Get-MailboxDatabase)',
  ],
]);

/** One key as people and docs see it. */
export interface ConfigurationKey {
  readonly section: string;
  readonly key: string;
  readonly type: string;
  readonly range: string;
  readonly default: string;
  readonly help: string;
}

/** All keys, in the order of the schema. */
export function configurationKeys(): readonly ConfigurationKey[] {
  const keys: ConfigurationKey[] = [];
  for (const [section, optionalSection] of Object.entries(configurationSchema.entries)) {
    const entries: Record<string, KeySchema> = optionalSection.wrapped.entries;
    for (const [key, schema] of Object.entries(entries)) keys.push(describe(section, key, schema));
  }
  return keys;
}

type KeySchema =
  | ReturnType<typeof wholeNumber>
  | ReturnType<typeof share>
  | ReturnType<typeof text>
  | ReturnType<typeof maybeText>
  | (typeof serverSection.entries)[keyof typeof serverSection.entries]
  | (typeof logSection.entries)[keyof typeof logSection.entries];

function describe(section: string, key: string, schema: KeySchema): ConfigurationKey {
  const inner = schema.wrapped;
  let least: number | undefined;
  let most: number | undefined;
  let range = '';
  let number = 'number';
  for (const item of inner.pipe) {
    if (item.type === 'picklist') range = item.options.map((option) => `\`${option}\``).join(', ');
    else if (item.type === 'integer') number = 'whole number';
    else if (item.type === 'min_value') least = item.requirement;
    else if (item.type === 'max_value') most = item.requirement;
    else if (item.type === 'max_length') range = `at most ${item.requirement} characters`;
  }
  if (least !== undefined && most !== undefined) range = `${least}–${most}`;
  return {
    section,
    key,
    type: inner.type === 'picklist' ? 'one of' : inner.type === 'number' ? number : 'string',
    range,
    default: JSON.stringify(schema.default),
    help: v.getDescription(inner) ?? '',
  };
}
