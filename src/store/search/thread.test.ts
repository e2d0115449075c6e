import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { createFolderSearch } from './folder-search.ts';
import type { ThreadAlgorithm, ThreadNode } from './query.ts';
import { type TestMessage, TestSource, testMessage } from './test-source.ts';
import { THREAD_REFERENCES } from './thread-keys.ts';

/** As in the THREAD response of RFC 5256 §4, for reading; dummies are a nesting without a number. */
function write(threads: readonly ThreadNode[]): string {
  const one = (node: ThreadNode): string => {
    const below = node.children.map(one);
    const tail = below.length === 1 && node.uid !== null ? below[0]! : below.map((text) => `(${text})`).join('');
    return node.uid === null ? tail : below.length === 0 ? String(node.uid) : `${node.uid} ${tail}`;
  };
  return threads.map((node) => `(${one(node)})`).join('');
}

interface Given {
  readonly id?: string;
  readonly refs?: string;
  readonly subject?: string;
  readonly date?: number;
  readonly arrived?: number;
}

/** Subjects here are base subjects; `Re: ` in front marks a reply. */
const folder = (given: readonly Given[]): TestSource =>
  new TestSource(
    given.map((one, i) =>
      testMessage(i + 1, {
        sentDate: one.date ?? i,
        internalDate: one.arrived ?? i,
        sort: {
          messageId: one.id ?? null,
          references: one.refs === undefined ? [] : one.refs.split(' '),
          baseSubject: (one.subject ?? '').replace(/^Re: /, ''),
          subjectIsReply: one.subject?.startsWith('Re: ') ?? false,
        },
      }),
    ),
  );

const threaded = async (given: readonly Given[], algorithm: ThreadAlgorithm): Promise<string> => {
  const source = folder(given);
  return write(await createFolderSearch(source).thread(source.uids, algorithm));
};

describe('THREAD (RFC 5256 §3)', () => {
  const cases: ReadonlyArray<readonly [string, ThreadAlgorithm, readonly Given[], string]> = [
    ['nothing', 'references', [], ''],
    [
      'ordered subject: children are siblings, threads by the date of their head',
      'orderedsubject',
      [
        { subject: 'b', date: 5 },
        { subject: 'Re: a', date: 9 },
        { subject: 'a', date: 1 },
        { subject: 'a', date: 3 },
        { subject: 'Re: b', date: 6 },
      ],
      '(3 (4)(2))(1 5)',
    ],
    ['a chain', 'references', [{ id: 'a' }, { id: 'b', refs: 'a' }, { id: 'c', refs: 'a b' }], '(1 2 3)'],
    ['parents may come later', 'references', [{ id: 'c', refs: 'b' }, { id: 'b', refs: 'a' }, { id: 'a' }], '(3 2 1)'],
    [
      'siblings by sent date',
      'references',
      [{ id: 'a' }, { id: 'b', refs: 'a', date: 9 }, { id: 'c', refs: 'a', date: 3 }],
      '(1 (3)(2))',
    ],
    ['a missing parent of two stays as a dummy', 'references', [{ refs: 'x' }, { refs: 'x' }], '((1)(2))'],
    ['a missing parent of one goes', 'references', [{ refs: 'x' }, { id: 'q' }], '(1)(2)'],
    ['missing ones in the middle go', 'references', [{ id: 'a' }, { refs: 'a x y' }, { refs: 'a x' }], '(1 (2)(3))'],
    ['nested missing ones leave one dummy', 'references', [{ refs: 'w x y' }, { refs: 'w x' }], '((1)(2))'],
    [
      'no loop: each names the other',
      'references',
      [
        { id: 'a', refs: 'b' },
        { id: 'b', refs: 'a' },
      ],
      '(2 1)',
    ],
    ['no loop: a message that names itself', 'references', [{ id: 'a', refs: 'a' }], '(1)'],
    ['a second message with an id is a stranger', 'references', [{ id: 'a' }, { id: 'a' }, { refs: 'a' }], '(1 3)(2)'],
    [
      'own references win over what others said',
      'references',
      [{ id: 'r', refs: 'a b' }, { id: 'a' }, { id: 'b', refs: 'c' }, { id: 'c' }],
      '(2)(4 3 1)',
    ],
    [
      'a message without references has no parent, whatever others said before',
      'references',
      [{ id: 'r', refs: 'a b' }, { id: 'a' }, { id: 'b' }],
      '(2)(3 1)',
    ],
    [
      'threads with one subject: a reply goes below the original',
      'references',
      [{ subject: 's' }, { subject: 'Re: s' }],
      '(1 2)',
    ],
    [
      'threads with one subject: the original is found when the reply is older',
      'references',
      [{ subject: 'Re: s' }, { subject: 's' }],
      '(2 1)',
    ],
    ['threads with one subject: equals get a dummy', 'references', [{ subject: 's' }, { subject: 's' }], '((1)(2))'],
    [
      'threads with one subject: three equals share one dummy',
      'references',
      [{ subject: 's' }, { subject: 's' }, { subject: 's' }],
      '((1)(2)(3))',
    ],
    [
      'threads with one subject: dummies become one',
      'references',
      [
        { subject: 's', refs: 'x' },
        { subject: 's', refs: 'x' },
        { subject: 's', refs: 'y' },
        { subject: 's', refs: 'y' },
        { subject: 's' },
      ],
      '((1)(2)(3)(4)(5))',
    ],
    ['empty subjects do not meet', 'references', [{}, {}], '(1)(2)'],
    ['refs: subjects do not count', 'refs', [{ subject: 's' }, { subject: 'Re: s' }], '(1)(2)'],
    [
      'refs: threads by latest arrival, messages within by sent date',
      'refs',
      [
        { id: 'a', arrived: 1 },
        { id: 'b', arrived: 2 },
        { refs: 'a', arrived: 9, date: 8 },
        { refs: 'a', arrived: 8, date: 9 },
      ],
      '(2)(1 (3)(4))',
    ],
  ];
  for (const [name, algorithm, given, expected] of cases) {
    test(`${algorithm}: ${name}`, async () => assert.equal(await threaded(given, algorithm), expected));
  }
});

test('only the searched messages are threaded', async () => {
  const source = folder([{ id: 'a' }, { id: 'b', refs: 'a' }, { id: 'c', refs: 'a b' }, { refs: 'a b' }]);
  const search = createFolderSearch(source);
  assert.equal(write(await search.thread(Uint32Array.of(1, 3, 4), 'references')), '(1 (3)(4))');
  assert.equal(write(await search.thread(Uint32Array.of(3, 4), 'references')), '((3)(4))');
  assert.equal(source.fragmentsRead, 8);
});

test('a thread as deep as the folder, in either order, and only its nearest references', async () => {
  const depth = 20_000;
  const chain = Array.from({ length: depth }, (_, i) => ({ id: `m${i}`, ...(i > 0 && { refs: `m${i - 1}` }) }));
  for (const given of [chain, [...chain].reverse()]) {
    const source = folder(given);
    const threads = await createFolderSearch(source).thread(source.uids, 'refs');
    let nodes = 0;
    for (let node = threads[0]; node !== undefined; node = node.children[0]) nodes += 1;
    assert.deepEqual([threads.length, nodes], [1, depth]);
  }
  const long = Array.from({ length: THREAD_REFERENCES + 1 }, (_, i) => `r${i}`);
  assert.equal(await threaded([{ id: 'r0' }, { refs: long.join(' ') }], 'refs'), '(1)(2)');
  assert.equal(await threaded([{ id: 'r1' }, { refs: long.join(' ') }], 'refs'), '(1 2)');
});

/* ------------------------- the text of RFC 5256 §3 once more, with objects and recursion, as an oracle */

interface Plain {
  message: TestMessage | null;
  parent: Plain | null;
  children: Plain[];
}

function oracle(messages: readonly TestMessage[]): ThreadNode[] {
  const byId = new Map<string, Plain>();
  const make = (message: TestMessage | null): Plain => ({ message, parent: null, children: [] });
  const nodes = messages.map((message) => {
    const node = make(message);
    const id = message.sort.messageId;
    if (id !== null && !byId.has(id)) byId.set(id, node);
    return node;
  });
  const isUnder = (node: Plain | null, above: Plain): boolean =>
    node !== null && (node === above || isUnder(node.parent, above));
  const cut = (node: Plain): void => {
    if (node.parent !== null) node.parent.children = node.parent.children.filter((child) => child !== node);
    node.parent = null;
  };
  const link = (above: Plain, below: Plain): void => {
    if (isUnder(above, below)) return;
    below.parent = above;
    above.children.push(below);
  };
  for (const node of nodes) {
    let above: Plain | null = null;
    for (const id of node.message!.sort.references) {
      const next: Plain = byId.get(id) ?? make(null);
      byId.set(id, next);
      if (above !== null && next.parent === null) link(above, next);
      above = next;
    }
    cut(node);
    if (above !== null) link(above, node);
  }
  const everything = new Set([...nodes, ...byId.values()]);
  const prune = (node: Plain): Plain[] => {
    node.children = node.children.flatMap(prune);
    return node.message === null ? node.children : [node];
  };
  const dateOf = (node: Plain): readonly [number, number] =>
    node.message === null ? dateOf(node.children[0]!) : [node.message.sentDate, node.message.uid];
  const order = (list: Plain[]): void => {
    for (const node of list) order(node.children);
    list.sort((a, b) => dateOf(a)[0] - dateOf(b)[0] || dateOf(a)[1] - dateOf(b)[1]);
  };
  let root: Plain[] = [];
  for (const node of everything) {
    if (node.parent !== null) continue;
    const left = prune(node);
    if (left.length > 1) {
      node.children = left;
      root.push(node);
    } else root.push(...left);
  }
  order(root);
  const headOf = (node: Plain): TestMessage => node.message ?? node.children[0]!.message!;
  const subjects = new Map<string, Plain>();
  for (const node of root) {
    const subject = headOf(node).sort.baseSubject;
    if (subject === '') continue;
    const held = subjects.get(subject);
    if (
      held === undefined ||
      (held.message !== null &&
        (node.message === null || (held.message.sort.subjectIsReply && !node.message.sort.subjectIsReply)))
    ) {
      subjects.set(subject, node);
    }
  }
  for (const node of root.slice()) {
    const subject = headOf(node).sort.baseSubject;
    const held = subjects.get(subject);
    if (subject === '' || held === undefined || held === node) continue;
    root = root.filter((other) => other !== node);
    if (held.message === null) held.children.push(...(node.message === null ? node.children : [node]));
    else if (node.message?.sort.subjectIsReply === true && !held.message.sort.subjectIsReply) held.children.push(node);
    else {
      const both = { message: null, parent: null, children: [node, held] };
      root = [...root.filter((other) => other !== held), both];
      subjects.set(subject, both);
    }
  }
  order(root);
  const plain = (node: Plain): ThreadNode => ({ uid: node.message?.uid ?? null, children: node.children.map(plain) });
  return root.map(plain);
}

test('REFERENCES does what the text of RFC 5256 says, step by step', async () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
  const one = fc.record({
    sentDate: fc.nat(4),
    sort: fc.record({
      messageId: fc.option(id),
      references: fc.array(id, { maxLength: 4 }),
      baseSubject: fc.constantFrom('', 's', 't', 'u'),
      subjectIsReply: fc.boolean(),
    }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(one, { maxLength: 12 }), async (given) => {
      const messages = given.map((message, i) => testMessage(i + 1, message));
      const source = new TestSource(messages, { batch: 5 });
      const got = await createFolderSearch(source).thread(source.uids, 'references');
      assert.equal(write(got), write(oracle(messages)));
    }),
    { numRuns: 2000 },
  );
});
