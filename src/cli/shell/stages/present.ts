/**
 * Objects → lines: tables and lists. Tables stream: the first rows decide how wide columns are, so that fifty
 * thousand mailboxes need no more memory than a hundred.
 */
import type { CmdletObject } from '../../../management/cmdlet.ts';
import { cellText, fit, harmless, isNumeric, shortened, widthOf } from '../cell-text.ts';
import { type Item, Line, namesMeant, Plain, property, type Stream } from '../items.ts';

/** Rows that decide the widths of columns. */
export const SAMPLED_ROWS = 100;
/** The same with -AutoSize. */
export const AUTO_SIZED_ROWS = 1000;
/** An object with more properties is shown as a list when nobody has said how. */
export const MOST_COLUMNS_UNASKED = 4;
/** Columns are not squeezed below this. */
const NARROWEST = 6;
const GAP = '  ';

export interface TableOptions {
  /** Names or patterns; null: the columns of the stream, or all properties. */
  readonly properties: readonly string[] | null;
  readonly sampledRows: number;
  readonly hideHeaders: boolean;
  /** Of the terminal; null: nothing is cut. */
  readonly width: number | null;
}

/** As a pipeline's result is shown when no Format- cmdlet ends it. */
export async function* presented(stream: Stream, width: number | null): AsyncGenerator<Line> {
  const { columns } = stream;
  if (columns !== null && columns.length === 0) yield* listLines(stream.items, null);
  else if (columns !== null) {
    yield* tableLines(stream.items, { properties: columns, sampledRows: SAMPLED_ROWS, hideHeaders: false, width });
  } else {
    const { first, items } = await peeked(stream.items);
    const asList = first !== null && Object.keys(first).length > MOST_COLUMNS_UNASKED;
    if (asList) yield* listLines(items, null);
    else yield* tableLines(items, { properties: null, sampledRows: SAMPLED_ROWS, hideHeaders: false, width });
  }
}

/** The first item when it is an object, and all of them. */
async function peeked(items: AsyncIterable<Item>): Promise<{ first: CmdletObject | null; items: AsyncIterable<Item> }> {
  const iterator = items[Symbol.asyncIterator]();
  const head = await iterator.next();
  const item = head.done === true ? null : head.value;
  const first = item === null || item instanceof Plain || item instanceof Line ? null : item;
  const all = async function* (): AsyncGenerator<Item> {
    try {
      if (item !== null) yield item;
      for (;;) {
        const next = await iterator.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  };
  return { first, items: all() };
}

export async function* listLines(
  items: AsyncIterable<Item>,
  properties: readonly string[] | null,
): AsyncGenerator<Line> {
  let before = false;
  for await (const item of items) {
    if (item instanceof Line) yield item;
    else if (item instanceof Plain) yield new Line(cellText(item.cell));
    else {
      if (before) yield new Line('');
      before = true;
      const names = properties === null ? Object.keys(item) : namesMeant(item, properties);
      const width = Math.max(0, ...names.map((name) => widthOf(name)));
      for (const name of names) {
        yield new Line(`${fit(harmless(name), width, false)} : ${cellText(property(item, name))}`.trimEnd());
      }
    }
  }
}

export async function* tableLines(items: AsyncIterable<Item>, options: TableOptions): AsyncGenerator<Line> {
  let sample: CmdletObject[] = [];
  let layout: Layout | null = null;
  for await (const item of items) {
    if (item instanceof Line || item instanceof Plain) {
      if (sample.length > 0) {
        layout ??= layoutOf(sample, options);
        yield* begun(layout, sample, options);
        sample = [];
      }
      yield item instanceof Line ? item : new Line(cellText(item.cell));
    } else if (layout !== null) {
      yield row(layout, item);
    } else {
      sample.push(item);
      if (sample.length < options.sampledRows) continue;
      layout = layoutOf(sample, options);
      yield* begun(layout, sample, options);
      sample = [];
    }
  }
  if (sample.length > 0) yield* begun(layoutOf(sample, options), sample, options);
}

interface Column {
  readonly name: string;
  width: number;
  readonly right: boolean;
}

interface Layout {
  readonly columns: readonly Column[];
  readonly cut: boolean;
}

function layoutOf(sample: readonly CmdletObject[], options: TableOptions): Layout {
  const [first] = sample;
  const names =
    first === undefined ? [] : options.properties === null ? Object.keys(first) : namesMeant(first, options.properties);
  const columns = names.map((name): Column => {
    let width = widthOf(name);
    let right = false;
    for (const object of sample) {
      const cell = property(object, name);
      width = Math.max(width, widthOf(cellText(cell)));
      right ||= isNumeric(cell);
    }
    return { name, width, right };
  });
  if (options.width !== null) squeeze(columns, options.width);
  return { columns, cut: options.width !== null };
}

/** Takes from the widest column until all fit, as far as they stay readable. */
function squeeze(columns: readonly Column[], width: number): void {
  const gaps = GAP.length * Math.max(0, columns.length - 1);
  let over = columns.reduce((sum, column) => sum + column.width, gaps) - width;
  while (over > 0) {
    const widest = columns.reduce((a, b) => (b.width > a.width ? b : a));
    const second = columns.reduce((most, one) => (one !== widest && one.width > most ? one.width : most), NARROWEST);
    const room = widest.width - Math.max(NARROWEST, Math.min(second, widest.width - 1));
    if (room <= 0) return;
    const taken = Math.min(over, room);
    widest.width -= taken;
    over -= taken;
  }
}

function* begun(layout: Layout, sample: readonly CmdletObject[], options: TableOptions): Iterable<Line> {
  if (!options.hideHeaders && layout.columns.length > 0) {
    const head = (column: Column): string => fit(harmless(column.name), column.width, column.right);
    yield new Line(layout.columns.map(head).join(GAP).trimEnd());
    const rule = (column: Column): string =>
      fit('-'.repeat(Math.min(column.width, widthOf(column.name))), column.width, column.right);
    yield new Line(layout.columns.map(rule).join(GAP).trimEnd());
  }
  for (const object of sample) yield row(layout, object);
}

function row(layout: Layout, object: CmdletObject): Line {
  const cells = layout.columns.map((column) => {
    const text = cellText(property(object, column.name));
    return fit(
      layout.cut ? shortened(text, column.width) : text,
      Math.max(column.width, layout.cut ? 0 : widthOf(text)),
      column.right,
    );
  });
  return new Line(cells.join(GAP).trimEnd());
}
