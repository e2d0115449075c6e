/** ConvertTo-Json, ConvertTo-Csv, Export-Csv, Import-Csv, Out-File, Out-String, Out-Null: to programs and files. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { Failure } from '../../../observe/failure.ts';
import type { Cell } from '../../../management/cmdlet.ts';
import { rawText } from '../cell-text.ts';
import { type Item, Line, none, Plain, property, type Stream } from '../items.ts';
import { type LocalCall, type LocalCmdlet, localHelp } from '../local.ts';
import { csvLine, csvRecords } from './csv.ts';
import { presented } from './present.ts';
import { notText, objectOf, streamOf } from './through.ts';

/** Larger files are no lists that people made. */
const MOST_CSV_BYTES = 64 * 1024 * 1024;

/** One value alone, several as an array; `always`: an array in any case. Never more than one object is held. */
export async function* jsonLines(
  items: AsyncIterable<Item>,
  options: { readonly compress: boolean; readonly always: boolean },
): AsyncGenerator<Line> {
  let held: string | null = null;
  let many = options.always;
  const indent = options.compress ? 0 : 2;
  const shifted = (json: string): string => (options.compress ? json : json.replace(/^/gm, '  '));
  if (many) yield new Line('[');
  for await (const item of items) {
    const thing = notText(item, 'ConvertTo-Json');
    if (held !== null) {
      if (!many) yield new Line('[');
      many = true;
      yield new Line(`${shifted(held)},`);
    }
    held = JSON.stringify(thing instanceof Plain ? thing.cell : thing, null, indent);
  }
  if (held !== null) yield new Line(many ? shifted(held) : held);
  if (many) yield new Line(']');
}

const convertToJson: LocalCmdlet = {
  begins: false,
  help: localHelp({
    name: 'ConvertTo-Json',
    synopsis: 'Objects as JSON: one alone, several as an array. A quantity is { "text": …, "value": … }.',
    parameters: [
      { name: 'Compress', kind: 'SwitchParameter', help: 'Without space, one object in each line.' },
      { name: 'AsArray', kind: 'SwitchParameter', help: 'An array even of one or none.' },
      { name: 'Depth', kind: 'Int32', help: 'Accepted; everything is always written.' },
    ],
    examples: [{ line: 'Get-PopSettings | ConvertTo-Json', says: 'For a program.' }],
  }),
  run: (call) => ({
    items: jsonLines(streamOf(call).items, { compress: call.args.on('Compress'), always: call.args.on('AsArray') }),
    columns: null,
  }),
};

/** The first object's properties are the columns, as in PowerShell. */
async function* csvLines(items: AsyncIterable<Item>): AsyncGenerator<Line> {
  let names: readonly string[] | null = null;
  for await (const item of items) {
    const object = objectOf(item, 'ConvertTo-Csv');
    if (names === null) {
      names = Object.keys(object);
      yield new Line(csvLine(names));
    }
    yield new Line(csvLine(names.map((name) => csvField(property(object, name)))));
  }
}

function csvField(cell: Cell | undefined): string {
  return Array.isArray(cell) ? cell.map((one) => rawText(one)).join(',') : rawText(cell);
}

const convertToCsv: LocalCmdlet = {
  begins: false,
  help: localHelp({
    name: 'ConvertTo-Csv',
    synopsis: 'Objects as comma-separated values; the first object gives the columns.',
    parameters: [{ name: 'NoTypeInformation', kind: 'SwitchParameter', help: 'Accepted; there never is any.' }],
    examples: [{ line: 'Get-Service | ConvertTo-Csv', says: 'For a spreadsheet.' }],
  }),
  run: (call) => ({ items: csvLines(streamOf(call).items), columns: null }),
};

/** Writes with back-pressure; the file appears only when the first line is there, and is complete when this ends. */
async function writeLines(
  lines: AsyncIterable<Line>,
  path: string,
  options: { append: boolean; clobber: boolean },
): Promise<void> {
  const file = createWriteStream(path, { flags: options.append ? 'a' : options.clobber ? 'w' : 'wx', mode: 0o640 });
  const done = finished(file);
  // Reported where it is awaited; until then it must not count as unhandled.
  done.catch(() => {});
  try {
    for await (const line of lines) {
      if (file.errored !== null) break;
      if (!file.write(`${line.text}\n`)) await Promise.race([once(file, 'drain'), done]);
    }
    file.end();
    await done;
  } catch (error) {
    file.destroy();
    throw fileFailure(error, path);
  }
}

function fileFailure(error: unknown, path: string): unknown {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return error;
  const reasons: ReadonlyMap<string, string> = new Map([
    ['ENOENT', 'there is no such folder or file'],
    ['EACCES', 'this user may not open it'],
    ['EISDIR', 'it is a folder'],
    ['EEXIST', 'it is there already, and -NoClobber was given'],
    ['ENOSPC', 'the disk is full'],
  ]);
  return new Failure('CANNOT', `${path}: ${reasons.get(code) ?? code}`, { cause: error });
}

function pathOf(call: LocalCall): string {
  const path = call.args.text('Path');
  if (path === null || path === '') throw new Failure('CANNOT', `${call.command.name} needs -Path FILE`);
  return path;
}

/** A stage that writes and leaves nothing. */
function sink(work: () => Promise<void>): Stream {
  const items = async function* (): AsyncGenerator<Item> {
    await work();
    yield* none();
  };
  return { items: items(), columns: null };
}

const INTO_FILE = [
  {
    name: 'Path',
    aliases: ['FilePath', 'LiteralPath'],
    position: 1,
    required: true,
    help: 'The file; on this machine.',
  },
  { name: 'Append', kind: 'SwitchParameter', help: 'Behind what is there already.' },
  { name: 'NoClobber', kind: 'SwitchParameter', help: 'Refuses to overwrite.' },
  { name: 'Encoding', help: 'Accepted; files are always UTF-8.' },
] as const;
const how = (call: LocalCall): { append: boolean; clobber: boolean } => ({
  append: call.args.on('Append'),
  clobber: !call.args.on('NoClobber'),
});

const exportCsv: LocalCmdlet = {
  begins: false,
  help: localHelp({
    name: 'Export-Csv',
    synopsis: 'Writes objects into a file of comma-separated values.',
    parameters: [
      ...INTO_FILE,
      { name: 'NoTypeInformation', kind: 'SwitchParameter', help: 'Accepted; there never is any.' },
    ],
    examples: [{ line: 'Get-Mailbox | Export-Csv -Path mailboxes.csv', says: 'All mailboxes, for a spreadsheet.' }],
  }),
  run: (call) => {
    const stream = streamOf(call);
    const path = pathOf(call);
    return sink(() => writeLines(csvLines(stream.items), path, how(call)));
  },
};

const outFile: LocalCmdlet = {
  begins: false,
  help: localHelp({
    name: 'Out-File',
    synopsis: 'Writes into a file what would have been shown.',
    parameters: [...INTO_FILE],
    examples: [{ line: 'Get-PopSettings | Format-List | Out-File -Path pop.txt', says: 'Keeps what is set now.' }],
  }),
  run: (call) => {
    const stream = streamOf(call);
    const path = pathOf(call);
    return sink(() => writeLines(presented(stream, null), path, how(call)));
  },
};

const outString: LocalCmdlet = {
  begins: false,
  help: localHelp({
    name: 'Out-String',
    aliases: ['Out-Host', 'Out-Default'],
    synopsis: 'The lines that would have been shown.',
    parameters: [],
    examples: [{ line: 'Get-Service | Out-String', says: 'Text.' }],
  }),
  run: (call) => ({ items: presented(streamOf(call), call.around.width), columns: null }),
};

const outNull: LocalCmdlet = {
  begins: false,
  help: localHelp({
    name: 'Out-Null',
    synopsis: 'Shows nothing; errors and warnings still come.',
    parameters: [],
    examples: [{ line: 'Get-Service | Out-Null', says: 'Only whether it works.' }],
  }),
  run: (call) => {
    const stream = streamOf(call);
    return sink(async () => {
      for await (const item of stream.items) if (item === null) return;
    });
  },
};

const importCsv: LocalCmdlet = {
  begins: true,
  help: localHelp({
    name: 'Import-Csv',
    synopsis: 'Reads objects from a file of comma-separated values; the first line names the properties.',
    parameters: [{ name: 'Path', position: 1, required: true, help: 'The file; on this machine, UTF-8.' }],
    examples: [{ line: 'Import-Csv people.csv | Get-Mailbox', says: 'The column Identity says which.' }],
  }),
  run: async (call) => {
    const path = pathOf(call);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      throw fileFailure(error, path);
    }
    if (text.length > MOST_CSV_BYTES) throw new Failure('TOOBIG', `${path} is larger than ${MOST_CSV_BYTES} bytes`);
    return { items: objectsOf(text), columns: null };
  },
};

async function* objectsOf(text: string): AsyncGenerator<Item> {
  let names: readonly string[] | null = null;
  for (const record of csvRecords(text)) {
    if (names === null) names = record;
    else {
      const object: Record<string, Cell> = {};
      for (const [at, name] of names.entries()) object[name.trim()] = record[at] ?? null;
      yield object;
    }
  }
}

export const CONVERT: readonly LocalCmdlet[] = [
  convertToJson,
  convertToCsv,
  exportCsv,
  importCsv,
  outFile,
  outString,
  outNull,
];
