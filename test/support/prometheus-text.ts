/**
 * A strict reader of Prometheus' text format 0.0.4, from its specification and not from the library that writes it:
 * what a scraper would refuse or misread is an error here.
 */
import assert from 'node:assert/strict';

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: ReadonlyArray<{
    readonly name: string;
    readonly labels: ReadonlyMap<string, string>;
    readonly value: number;
  }>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;

/** @throws AssertionError with the line */
export function parseMetrics(text: string): ReadonlyMap<string, Family> {
  assert.ok(text.endsWith('\n'), 'the last line has an end');
  const families = new Map<string, Family>();
  const help = new Map<string, string>();
  let current: { family: Family; samples: Array<Family['samples'][number]> } | null = null;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [mark, keyword, name = '', ...rest] = line.split(' ');
    if (mark === '#' && keyword === 'HELP') {
      assert.match(name, NAME, line);
      assert.ok(!help.has(name), `second HELP: ${line}`);
      help.set(name, rest.join(' '));
    } else if (mark === '#' && keyword === 'TYPE') {
      assert.match(rest.join(' '), /^(counter|gauge|histogram|summary)$/, line);
      assert.ok(!families.has(name), `second TYPE: ${line}`);
      const samples: Array<Family['samples'][number]> = [];
      const family = { name, type: rest.join(' '), help: help.get(name) ?? '', samples };
      families.set(name, family);
      current = { family, samples };
    } else {
      assert.ok(current !== null, `a sample before any TYPE: ${line}`);
      const sample = parseSample(line);
      const { family }: { family: Family } = current;
      const base = family.type === 'histogram' ? sample.name.replace(/_(bucket|sum|count)$/, '') : sample.name;
      assert.equal(base, family.name, `a sample outside its family: ${line}`);
      if (family.type === 'counter') assert.ok(sample.value >= 0, line);
      current.samples.push(sample);
    }
  }
  for (const family of families.values()) check(family);
  return families;
}

function parseSample(line: string): Family['samples'][number] {
  const match = SAMPLE.exec(line);
  assert.ok(match !== null, line);
  const [, name = '', labelled = '', number = ''] = match;
  const value = number === '+Inf' ? Infinity : number === '-Inf' ? -Infinity : number === 'Nan' ? NaN : Number(number);
  assert.ok(number === 'Nan' || !Number.isNaN(value), line);
  const labels = new Map<string, string>();
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < labelled.length) {
    const at = LABEL.exec(labelled);
    assert.ok(at !== null, `labels: ${line}`);
    const [, label = '', text = ''] = at;
    assert.ok(!labels.has(label), `a label twice: ${line}`);
    labels.set(label, text);
  }
  return { name, labels, value };
}

const seriesOf = (labels: ReadonlyMap<string, string>, without = ''): string =>
  [...labels]
    .filter(([label]) => label !== without)
    .map(([label, value]) => `${label}=${value}`)
    .sort((a, b) => (a < b ? -1 : 1))
    .join(' ');

/** No series twice; buckets that rise to the count. */
function check({ name, type, samples }: Family): void {
  const seen = new Set<string>();
  const bySeries = new Map<string, number[]>();
  for (const sample of samples) {
    const key = `${sample.name} ${seriesOf(sample.labels)}`;
    assert.ok(!seen.has(key), `a series twice: ${key}`);
    seen.add(key);
    if (type !== 'histogram') continue;
    const series = seriesOf(sample.labels, 'le');
    const values = bySeries.get(series) ?? [];
    bySeries.set(series, values);
    if (sample.name.endsWith('_bucket')) {
      assert.ok(sample.value >= (values.at(-1) ?? 0), `buckets of ${name} fall`);
      values.push(sample.value);
    } else if (sample.name.endsWith('_count')) assert.equal(sample.value, values.at(-1), `${name}: +Inf is the count`);
  }
}

/** Sum of the samples that have all these labels; `name` with its suffix. 0: there is none. */
export function valueOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  assert.ok(family !== undefined, `there is no metric ${name}`);
  return family.samples
    .filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels.get(key) === text),
    )
    .reduce((sum, { value }) => sum + value, 0);
}
