/**
 * A reporter of Node's test runner that counts, for each store engine, the tests of its conformance suite and of the
 * dialogues: which engine a test ran on stands in the name of a suite around it. `npm test` prints the line last.
 */
import type { TestEvent } from 'node:test/reporters';

const KINDS = [
  // Suites of the directory have engines, too, and are no suites of the store.
  { kind: 'conformance', folder: /[\\/]test[\\/]conformance[\\/](?!directory)/ },
  { kind: 'dialogues', folder: /[\\/]test[\\/]dialogues[\\/]/ },
] as const;
const ENGINES = [
  { engine: 'memory', suite: /^memory:|(?:^moves, | on )memory$/i },
  { engine: 'SQLite', suite: /^sqlite:|(?:^moves, | on )sqlite$/i },
  { engine: 'PostgreSQL', suite: /^postgres:|(?:^moves, | on )postgres(?:ql)?$/i },
] as const;

/** Suites come behind their tests, one file's events in order. */
interface Pending {
  passed: number;
  failed: number;
}

export default async function* engineCounts(source: AsyncIterable<TestEvent>): AsyncIterable<string> {
  const pending = new Map<string, Pending>();
  const counts = new Map<string, Pending>();
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { file = '', name, details, skip } = data;
    const kind = KINDS.find(({ folder }) => folder.test(file))?.kind;
    if (kind === undefined) continue;
    const waiting = pending.get(file) ?? { passed: 0, failed: 0 };
    if (details.type !== 'suite') {
      if (skip === undefined || skip === false) waiting[type === 'test:pass' ? 'passed' : 'failed'] += 1;
      pending.set(file, waiting);
      continue;
    }
    pending.delete(file);
    const engine = ENGINES.find(({ suite }) => suite.test(name))?.engine;
    if (engine === undefined) continue;
    const key = `${engine} ${kind}`;
    const sum = counts.get(key) ?? { passed: 0, failed: 0 };
    counts.set(key, { passed: sum.passed + waiting.passed, failed: sum.failed + waiting.failed });
  }
  if (counts.size === 0) return;
  const parts = ENGINES.map(({ engine }) => {
    const of = KINDS.map(({ kind }) => {
      const { passed, failed } = counts.get(`${engine} ${kind}`) ?? { passed: 0, failed: 0 };
      return `${passed} ${kind}${failed === 0 ? '' : ` (${failed} failed)`}`;
    });
    return `${engine} ${of.join(' + ')}`;
  });
  yield `engines, tests passed: ${parts.join(' · ')}\n`;
}
