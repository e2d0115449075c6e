/**
 * The REFERENCES and REFS threading algorithms (RFC 5256 §3 THREAD, draft-ietf-morg-inthread §4) over small integers:
 * no strings, no recursion (threads may be as deep as the folder is long), one parent array instead of objects.
 * Knows nothing of messages beyond the numbers in `ThreadInput`.
 */
import type { ThreadNode } from './query.ts';
import { sortByKey } from './radix.ts';
import { allOf } from './selection.ts';
import type { TimeSlice } from './time-slice.ts';

/** Messages in mailbox order (ascending UID); all arrays are parallel to `uids`. */
export interface ThreadInput {
  readonly uids: Uint32Array;
  /** Seconds since 1970. */
  readonly sentDate: Float64Array;
  readonly internalDate: Float64Array;
  /** Number of the message's own Message-ID, -1 when it has none. */
  readonly ownId: Int32Array;
  /** The references of message i are references[referencesStart[i], referencesStart[i + 1]), oldest first. */
  readonly references: Uint32Array;
  readonly referencesStart: Uint32Array;
  /** All id numbers are below this. */
  readonly idCount: number;
  /** Number of the base subject; NO_SUBJECT when it is empty. */
  readonly subject: Uint32Array;
  /** 1 when the subject is that of a reply or forward. */
  readonly isReply: Uint8Array;
}

export const NO_SUBJECT = 0xffffffff;

/**
 * Steps upward, summed over one THREAD, spent on finding out whether a link would close a loop. Real mail needs next
 * to none (a link between separate trees is known to be safe at once); crafted References could ask for billions.
 * Beyond it a doubtful link counts as a loop.
 */
export const THREAD_LOOP_STEPS = 5_000_000;

const NONE = -1;
/** Children of a message without any; nothing is ever added to it. */
const LEAF: GrowingNode[] = [];
/** Messages between two looks at the clock, less one. */
const LOOK_EVERY = 1023;

/** Parents of `nodes` nodes: messages first, then dummies. */
interface Pruned {
  readonly parent: Int32Array;
  readonly nodes: number;
}

interface GrowingNode {
  readonly uid: number | null;
  readonly children: GrowingNode[];
}

interface Tree {
  readonly made: readonly GrowingNode[];
  /** Nodes under the root, in order. */
  readonly top: readonly number[];
}

/** Grows the forest of RFC 5256 step 1. Nodes below `uids.length` are messages, those above are dummies. */
class Forest {
  readonly parent: Int32Array;
  nodes: number;
  readonly #nodeOfId: Int32Array;
  readonly #hasChild: Uint8Array;
  /** Union-find over everything that was ever linked: different sets cannot be in one tree. */
  readonly #set: Int32Array;
  #steps = 0;

  constructor(messages: number, idCount: number) {
    const most = messages + idCount;
    this.nodes = messages;
    this.parent = new Int32Array(most).fill(NONE);
    this.#nodeOfId = new Int32Array(idCount).fill(NONE);
    this.#hasChild = new Uint8Array(most);
    this.#set = new Int32Array(most);
    for (let i = 0; i < most; i += 1) this.#set[i] = i;
  }

  /** The first message with an id owns it; later ones are as if they had a unique id. */
  claim(id: number, message: number): void {
    if (this.#nodeOfId[id] === NONE) this.#nodeOfId[id] = message;
  }

  nodeOf(id: number): number {
    let node = this.#nodeOfId[id]!;
    if (node === NONE) {
      node = this.nodes;
      this.nodes += 1;
      this.#nodeOfId[id] = node;
    }
    return node;
  }

  /** Makes `above` the parent of `below`, which has none, unless that closes a loop. */
  link(above: number, below: number): void {
    if (above === below) return;
    const a = this.#root(above);
    const b = this.#root(below);
    if (a === b && this.#hasChild[below] === 1 && this.#isUnder(above, below)) return;
    this.#set[a] = b;
    this.parent[below] = above;
    this.#hasChild[above] = 1;
  }

  #isUnder(node: number, ancestor: number): boolean {
    for (let at = this.parent[node]!; at !== NONE; at = this.parent[at]!) {
      if (at === ancestor) return true;
      this.#steps += 1;
      if (this.#steps > THREAD_LOOP_STEPS) return true;
    }
    return false;
  }

  #root(node: number): number {
    const set = this.#set;
    let at = node;
    while (set[at] !== at) {
      set[at] = set[set[at]!]!;
      at = set[at]!;
    }
    return at;
  }
}

export async function threadByReferences(
  input: ThreadInput,
  algorithm: 'references' | 'refs',
  slice: TimeSlice,
): Promise<readonly ThreadNode[]> {
  const forest = await linkReferences(input, slice);
  if (slice.due()) await slice.pause();
  await pruneDummies(forest, input.uids.length, slice);
  if (slice.due()) await slice.pause();
  const bySentDate = await sortByKey(allOf(input.uids.length), input.sentDate, false, slice);
  if (algorithm === 'references') {
    const merged = await mergeSubjects(input, forest, bySentDate, slice);
    if (slice.due()) await slice.pause();
    const { made, top } = await buildNodes(merged, input, bySentDate, slice);
    return top.map((node) => made[node]!);
  }
  const { made, top } = await buildNodes(forest, input, bySentDate, slice);
  const threads = await sortByLatestArrival(input, forest.parent, top, slice);
  return Array.from(threads, (node) => made[node]!);
}

/** Step 1. */
async function linkReferences(input: ThreadInput, slice: TimeSlice): Promise<Forest> {
  const { ownId, references, referencesStart } = input;
  const count = input.uids.length;
  const forest = new Forest(count, input.idCount);
  for (let message = 0; message < count; message += 1) {
    if (ownId[message] !== NONE) forest.claim(ownId[message]!, message);
  }
  for (let message = 0; message < count; message += 1) {
    /* A message may have a thousand references, so look more often here. */
    if ((message & 63) === 0 && slice.due()) await slice.pause();
    const end = referencesStart[message + 1]!;
    let above = NONE;
    for (let r = referencesStart[message]!; r < end; r += 1) {
      const node = forest.nodeOf(references[r]!);
      if (above !== NONE && forest.parent[node] === NONE) forest.link(above, node);
      above = node;
    }
    /* (B): the last reference wins over a link that others' references made; no reference means no parent. */
    forest.parent[message] = NONE;
    if (above !== NONE) forest.link(above, message);
  }
  return forest;
}

/**
 * Steps 2 and 3. Afterwards the parent of a message is a message, or a dummy that is at the top and has at least two
 * children, or NONE. A dummy below the top always gives its children to its parent, so the nearest message above
 * counts, and where there is none, the dummy at the very top.
 */
async function pruneDummies(forest: Forest, messages: number, slice: TimeSlice): Promise<void> {
  const { parent } = forest;
  const children = new Uint32Array(forest.nodes);
  for (let node = 0; node < messages; node += 1) {
    if ((node & LOOK_EVERY) === 0 && slice.due()) await slice.pause();
    let above = parent[node]!;
    if (above < messages) continue;
    while (above >= messages && parent[above] !== NONE) above = parent[above]!;
    /* Second walk: what was just found out need not be found again (path compression among dummies). */
    for (let at = parent[node]!; at !== above; ) {
      const next = parent[at]!;
      parent[at] = above;
      at = next;
    }
    parent[node] = above;
    if (above >= messages) children[above]! += 1;
  }
  for (let node = 0; node < messages; node += 1) {
    const above = parent[node]!;
    if (above >= messages && children[above] === 1) parent[node] = NONE;
  }
}

/**
 * Step 5: threads with the same base subject become one. Top-level nodes are visited in the order of step 4, a dummy
 * standing where its first child does.
 */
async function mergeSubjects(
  input: ThreadInput,
  forest: Pruned,
  bySentDate: Uint32Array,
  slice: TimeSlice,
): Promise<Pruned> {
  const { parent, nodes: nodeCount } = forest;
  const messages = input.uids.length;
  const seen = new Uint8Array(nodeCount);
  const top: number[] = [];
  /** Message whose subject and reply mark stand for the thread. */
  const head: number[] = [];
  for (let i = 0; i < messages; i += 1) {
    if ((i & LOOK_EVERY) === 0 && slice.due()) await slice.pause();
    const message = bySentDate[i]!;
    const above = parent[message]!;
    const node = above === NONE ? message : above;
    if ((above !== NONE && above < messages) || seen[node] === 1) continue;
    seen[node] = 1;
    top.push(node);
    head.push(message);
  }
  const table = new Map<number, number>();
  for (let i = 0; i < top.length; i += 1) {
    if ((i & LOOK_EVERY) === 0 && slice.due()) await slice.pause();
    const subject = input.subject[head[i]!]!;
    if (subject === NO_SUBJECT) continue;
    const node = top[i]!;
    const held = table.get(subject);
    const isBetter =
      held === undefined ||
      (held < messages && (node >= messages || (input.isReply[held] === 1 && input.isReply[node] === 0)));
    if (isBetter) table.set(subject, node);
  }
  /* At most one new dummy a subject. */
  const merged = new Int32Array(nodeCount + table.size).fill(NONE);
  merged.set(parent.subarray(0, nodeCount));
  /** Dummies whose children went to another dummy. */
  const movedTo = new Map<number, number>();
  let nodes = nodeCount;
  for (let i = 0; i < top.length; i += 1) {
    if ((i & LOOK_EVERY) === 0 && slice.due()) await slice.pause();
    const subject = input.subject[head[i]!]!;
    if (subject === NO_SUBJECT) continue;
    const node = top[i]!;
    const held = table.get(subject);
    if (held === undefined || held === node) continue;
    if (held >= messages && node >= messages) movedTo.set(node, held);
    else if (held >= messages || (input.isReply[node] === 1 && input.isReply[held] === 0)) merged[node] = held;
    else {
      merged[node] = nodes;
      merged[held] = nodes;
      table.set(subject, nodes);
      nodes += 1;
    }
  }
  if (movedTo.size > 0) {
    for (let message = 0; message < messages; message += 1) {
      const to = movedTo.get(merged[message]!);
      if (to !== undefined) merged[message] = to;
    }
  }
  return { parent: merged, nodes };
}

/** Step 6: visiting messages by sent date puts every set of siblings in order, dummies by their first child. */
async function buildNodes(
  forest: Pruned,
  input: ThreadInput,
  bySentDate: Uint32Array,
  slice: TimeSlice,
): Promise<Tree> {
  const { parent } = forest;
  const messages = input.uids.length;
  const made: GrowingNode[] = [];
  const isParent = new Uint8Array(forest.nodes);
  for (let i = 0; i < messages; i += 1) if (parent[i] !== NONE) isParent[parent[i]!] = 1;
  for (let i = 0; i < messages; i += 1) {
    if ((i & LOOK_EVERY) === 0 && slice.due()) await slice.pause();
    /* Most messages have no reply: one empty list for all of them halves what the garbage collector has to copy. */
    made.push({ uid: input.uids[i]!, children: isParent[i] === 1 ? [] : LEAF });
  }
  for (let i = messages; i < forest.nodes; i += 1) made.push({ uid: null, children: [] });
  const top: number[] = [];
  for (let i = 0; i < messages; i += 1) {
    if ((i & LOOK_EVERY) === 0 && slice.due()) await slice.pause();
    const message = bySentDate[i]!;
    const above = parent[message]!;
    if (above === NONE) top.push(message);
    else {
      const node = made[above]!;
      if (above >= messages && node.children.length === 0) top.push(above);
      node.children.push(made[message]!);
    }
  }
  return { made, top };
}

/** REFS: the thread with the latest arrival comes last; within a thread the sent date counts. */
async function sortByLatestArrival(
  input: ThreadInput,
  parent: Int32Array,
  top: readonly number[],
  slice: TimeSlice,
): Promise<Uint32Array> {
  const latest = new Float64Array(parent.length).fill(-Infinity);
  const topOf = new Int32Array(parent.length).fill(NONE);
  for (const node of top) topOf[node] = node;
  for (let message = 0; message < input.uids.length; message += 1) {
    if ((message & LOOK_EVERY) === 0 && slice.due()) await slice.pause();
    let at = message;
    while (topOf[at] === NONE) at = parent[at]!;
    const found = topOf[at]!;
    for (let on = message; topOf[on] === NONE; on = parent[on]!) topOf[on] = found;
    latest[found] = Math.max(latest[found]!, input.internalDate[message]!);
  }
  return sortByKey(Uint32Array.from(top), latest, false, slice);
}
