/**
 * Must show 1 of the milestone, first half: for every parameter of exchange-behaviour.md §1.2, §2 and §3.4 Get shows
 * the default, Set to each bound works and Get shows it, what lies outside is refused with the range named and
 * changes nothing. What the values do to the protocols is shown by the front ends' tests.
 */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { clientAccessSchema } from '../../src/directory/settings/client-access.ts';
import { imapSettingsSchema, popSettingsSchema } from '../../src/directory/settings/mail-protocol.ts';
import { receiveConnectorSchema } from '../../src/directory/settings/receive-connector.ts';
import { Failure } from '../../src/observe/failure.ts';
import { type InMemoryOrganization, inMemoryOrganization, only, shownText } from './in-memory-organization.ts';
import {
  CAS_ROWS,
  CONNECTOR_ROWS,
  IMAP_ROWS,
  LEFT_OUT,
  OUR_OWN,
  POP_ROWS,
  type ReferenceRow,
} from './settings-reference.ts';

let org: InMemoryOrganization;
before(async () => {
  org = await inMemoryOrganization();
});
after(() => org.close());

interface Noun {
  readonly noun: string;
  /** Which object, for Get and for Set. */
  readonly identity: Readonly<Record<string, string>>;
  readonly rows: readonly ReferenceRow[];
}

const NOUNS: readonly Noun[] = [
  { noun: 'PopSettings', identity: {}, rows: POP_ROWS },
  { noun: 'ImapSettings', identity: {}, rows: IMAP_ROWS },
  { noun: 'CASMailbox', identity: { Identity: 'ann' }, rows: CAS_ROWS },
  { noun: 'ReceiveConnector', identity: { Identity: 'Custom' }, rows: CONNECTOR_ROWS },
];

/** `$null` on a command line is null at the door; everything else arrives as typed. */
const raw = (typed: string): string | null => (typed === '$null' ? null : typed);

for (const { noun, identity, rows } of NOUNS) {
  const get = async (name: string): Promise<string> => shownText(only(await org.run(`Get-${noun}`, identity))[name]);
  const set = (name: string, typed: string | null): Promise<unknown> =>
    org.run(`Set-${noun}`, { ...identity, [name]: typed });

  test(`${noun}: Get shows the default of every row`, async () => {
    if (noun === 'ReceiveConnector')
      await org.run('New-ReceiveConnector', {
        Name: 'Custom',
        Usage: 'Custom',
        Bindings: '127.0.0.1:20025',
        RemoteIPRanges: '192.0.2.0/24',
      });
    const object = only(await org.run(`Get-${noun}`, identity));
    for (const row of rows) assert.equal(shownText(object[row.name]), row.initial, row.name);
  });

  for (const row of rows) {
    test(`${noun} ${row.name}`, async () => {
      const initial = await get(row.name);
      for (const [name, value] of Object.entries(row.before ?? {})) await set(name, raw(value));
      for (const [typed, shown] of row.good) {
        await set(row.name, raw(typed));
        assert.equal(await get(row.name), shown, typed);
      }
      const kept = await get(row.name);
      for (const typed of row.bad) {
        await assert.rejects(set(row.name, typed), (error: unknown) => {
          assert.ok(error instanceof Failure, String(error));
          assert.equal(error.code, 'CANNOT');
          assert.ok(error.message.startsWith(`-${row.name} must be `), error.message);
          assert.match(error.message, row.named ?? /./);
          return true;
        });
        assert.equal(await get(row.name), kept, `${typed} changed something`);
      }
      await set(row.name, initial === '' ? null : initial);
      assert.equal(await get(row.name), initial, 'what Get shows, Set takes');
    });
  }

  test(`${noun}: a parameter that the reference does not have is our own and known as such`, () => {
    const known = new Set([...rows.map((row) => row.name), ...OUR_OWN]);
    const frame = [
      'Identity',
      'Server',
      'DomainController',
      'Name',
      'TransportRole',
      'EmailAddresses',
      'PrimarySmtpAddress',
    ];
    for (const parameter of org.door.find(`Set-${noun}`).parameters)
      assert.ok(known.has(parameter.name) || frame.includes(parameter.name), parameter.name);
  });
}

const parityDocument = (): Promise<string> =>
  readFile(path.join(import.meta.dirname, '../../docs/exchange-parity.md'), 'utf8');

test('what the parity document says acts or is only kept is what Get-Help says', async () => {
  const document = await parityDocument();
  const sections = [
    ['## §1.2', popSettingsSchema],
    ['## §1.2', imapSettingsSchema],
    ['## §2', clientAccessSchema],
    ['### §3.4', receiveConnectorSchema],
  ] as const;
  for (const [heading, schema] of sections) {
    const begin = document.indexOf(`\n${heading}`);
    const section = document.slice(begin, document.indexOf('\n## ', begin + 4));
    const rows = section.split('\n').map((line) => line.split(' | '));
    for (const { name, effect } of schema.rows) {
      if (OUR_OWN.includes(name) || ['Name', 'TransportRole'].includes(name)) continue;
      const row = rows.find(([first = '']) =>
        first
          .replace(/^\| /, '')
          .split(/, | \(/)
          .includes(name),
      );
      assert.equal(row?.[1], effect === 'recorded' ? 'kept' : 'acts', `${schema.title} ${name}`);
    }
  }
});

test('the parity document names every row, done or left out', async () => {
  const document = await parityDocument();
  const names = [...NOUNS.flatMap(({ rows }) => rows.map((row) => row.name)), ...LEFT_OUT];
  for (const name of names) assert.ok(document.includes(name), `${name} is missing in docs/exchange-parity.md`);
});

test('every file the parity document names is there', async () => {
  const root = path.join(import.meta.dirname, '../..');
  const document = await parityDocument();
  const files: string[] = [];
  for (const folder of ['src', 'test'])
    for (const file of await readdir(path.join(root, folder), { recursive: true })) files.push(`/${folder}/${file}`);
  const named = new Set([...document.matchAll(/`([\w./-]+\.ts)`/g)].map((match) => match[1] ?? ''));
  assert.ok(named.size > 40, `${named.size} files are named`);
  for (const name of named)
    assert.ok(
      files.some((file) => file.endsWith(`/${name}`)),
      `${name} is not there`,
    );
});
