/** Sort-Object, Group-Object and Measure-Object: what has to see all objects before it answers. */
import { Failure } from '../../../observe/failure.ts';
import type { Cell, CmdletObject } from '../../../management/cmdlet.ts';
import { byteSize } from '../../../directory/settings/value-types.ts';
import { rawText } from '../cell-text.ts';
import { compareCells, numberOf } from '../compare.ts';
import { type Item, Plain, property } from '../items.ts';
import { type LocalCmdlet, localHelp } from '../local.ts';
import { noProperty } from './choose.ts';
import { notText, streamOf } from './through.ts';

const keyOf = (item: Item, name: string, stage: string): Cell | undefined => {
  const thing = notText(item, stage);
  return thing instanceof Plain ? thing.cell : property(thing, name);
};

const sortObject: LocalCmdlet = {
  begins: false,
  help: localHelp({
    name: 'Sort-Object',
    aliases: ['sort'],
    synopsis: 'Puts objects in order: sizes and numbers by value, unlimited last, text in any case.',
    parameters: [
      { name: 'Property', kind: 'String[]', position: 1, help: 'By this one, then by the next.' },
      { name: 'Descending', kind: 'SwitchParameter', help: 'The largest first.' },
      { name: 'Unique', kind: 'SwitchParameter', help: 'Of equal ones only the first.' },
    ],
    examples: [{ line: 'Get-Mailbox | Sort-Object Name -Descending', says: 'From Z to A.' }],
  }),
  run: (call) => {
    const stream = streamOf(call);
    const names = call.args.list('Property') ?? stream.columns?.slice(0, 1) ?? [];
    const sign = call.args.on('Descending') ? -1 : 1;
    const sorted = async function* (): AsyncGenerator<Item> {
      const rows: Array<{ item: Item; keys: ReadonlyArray<Cell | undefined> }> = [];
      for await (const item of stream.items) {
        const by = names.length > 0 ? names : ['Identity'];
        rows.push({ item, keys: by.map((name) => keyOf(item, name, 'Sort-Object')) });
      }
      const compare = (a: (typeof rows)[number], b: (typeof rows)[number]): number => {
        for (const [at, key] of a.keys.entries()) {
          const order = compareCells(key, b.keys[at]);
          if (order !== 0) return order * sign;
        }
        return 0;
      };
      rows.sort(compare);
      for (const [at, row] of rows.entries()) {
        const before = rows[at - 1];
        if (call.args.on('Unique') && before !== undefined && compare(before, row) === 0) continue;
        yield row.item;
      }
    };
    return { items: sorted(), columns: stream.columns };
  },
};

const groupObject: LocalCmdlet = {
  begins: false,
  help: localHelp({
    name: 'Group-Object',
    aliases: ['group'],
    synopsis: 'Counts objects that have the same value.',
    parameters: [
      { name: 'Property', kind: 'String[]', position: 1, help: 'What has to be the same.', required: true },
      { name: 'NoElement', kind: 'SwitchParameter', help: 'Accepted; the objects themselves are never kept.' },
    ],
    examples: [{ line: 'Get-Mailbox | Group-Object Database', says: 'How many mailboxes each database holds.' }],
  }),
  run: (call) => {
    const stream = streamOf(call);
    const names = call.args.list('Property') ?? [];
    const grouped = async function* (): AsyncGenerator<Item> {
      const counts = new Map<string, { name: string; count: number }>();
      for await (const item of stream.items) {
        const name = names.map((one) => rawText(keyOf(item, one, 'Group-Object'))).join(', ');
        const group = counts.get(name.toLowerCase());
        if (group === undefined) counts.set(name.toLowerCase(), { name, count: 1 });
        else group.count += 1;
      }
      for (const { name, count } of [...counts.values()].toSorted((a, b) => b.count - a.count)) {
        yield { Count: count, Name: name };
      }
    };
    return { items: grouped(), columns: ['Count', 'Name'] };
  },
};

const sizes = byteSize({ min: 0, max: Number.MAX_SAFE_INTEGER });

const measureObject: LocalCmdlet = {
  begins: false,
  help: localHelp({
    name: 'Measure-Object',
    aliases: ['measure'],
    synopsis: 'Counts objects, and adds up a property.',
    parameters: [
      { name: 'Property', position: 1, help: 'The one that is added up.' },
      { name: 'Sum', kind: 'SwitchParameter', help: 'All together.' },
      { name: 'Average', kind: 'SwitchParameter', help: 'Per object that has the property.' },
      { name: 'Minimum', kind: 'SwitchParameter', help: 'The smallest.' },
      { name: 'Maximum', kind: 'SwitchParameter', help: 'The largest.' },
    ],
    examples: [
      { line: 'Get-Mailbox | Measure-Object', says: 'How many there are.' },
      { line: 'Get-PopSettings | measure MaxConnections -Sum', says: 'The limits of all servers together.' },
    ],
  }),
  run: (call) => {
    const stream = streamOf(call);
    const name = call.args.text('Property');
    const measured = async function* (): AsyncGenerator<Item> {
      const tally = new Tally();
      let last: CmdletObject | null = null;
      for await (const item of stream.items) {
        const thing = notText(item, 'Measure-Object');
        if (!(thing instanceof Plain)) last = thing;
        tally.add(thing instanceof Plain ? thing.cell : name === null ? null : property(thing, name), name !== null);
      }
      if (name !== null && tally.numbers === 0 && last !== null) {
        if (property(last, name) === undefined) throw noProperty(last, name);
        throw new Failure('CANNOT', `${name} holds no numbers; Measure-Object adds up numbers and sizes`);
      }
      const result: Record<string, Cell> = { Count: tally.count };
      if (call.args.on('Average')) result['Average'] = tally.quantity(tally.sum / Math.max(1, tally.numbers));
      if (call.args.on('Sum')) result['Sum'] = tally.quantity(tally.sum);
      if (call.args.on('Maximum')) result['Maximum'] = tally.largest;
      if (call.args.on('Minimum')) result['Minimum'] = tally.smallest;
      if (name !== null) result['Property'] = name;
      yield result;
    };
    return { items: measured(), columns: null };
  },
};

class Tally {
  count = 0;
  numbers = 0;
  sum = 0;
  smallest: Cell = null;
  largest: Cell = null;
  #areSizes = true;

  add(cell: Cell | undefined, hasProperty: boolean): void {
    this.count += 1;
    const number = numberOf(cell);
    if (!hasProperty || number === null || cell === undefined) return;
    this.numbers += 1;
    this.sum += number;
    this.#areSizes &&= typeof cell === 'object' && / bytes\)$|^unlimited$/i.test(rawText(cell));
    if (this.numbers === 1 || compareCells(cell, this.smallest) < 0) this.smallest = cell;
    if (this.numbers === 1 || compareCells(cell, this.largest) > 0) this.largest = cell;
  }

  quantity(value: number): Cell {
    if (!Number.isFinite(value)) return { text: 'Unlimited', value: null };
    if (!this.#areSizes || this.numbers === 0) return Number(value.toPrecision(15));
    const bytes = Math.round(value);
    return { text: sizes.format(bytes), value: bytes };
  }
}

export const ORDER: readonly LocalCmdlet[] = [sortObject, groupObject, measureObject];
