/**
 * The SEARCH, SORT and THREAD mailboxes of Dovecot's imaptest through the real parser, with the answers that imaptest
 * expects of every server.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { existsSync, readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { parseMessage } from '../../message/scanner.ts';
import { createFolderSearch } from './folder-search.ts';
import type { SearchQuery, SortCriterion, ThreadAlgorithm, ThreadNode } from './query.ts';
import { TestSource, testMessage } from './test-source.ts';
import { closeTextWorkers } from './text-extraction.ts';

after(closeTextWorkers);

const corpus = new URL('../../../../shared/corpus/torture/imaptest/', import.meta.url);
const skip = existsSync(corpus) ? false : 'no corpus beside the repository';

/** The messages of one mbox file, numbered from 1; the From line gives the internal date. */
function folder(name: string): TestSource {
  const text = readFileSync(new URL(name, corpus), 'latin1');
  const messages = text.split(/^(?=From user@domain )/m).map((message, i) => {
    const end = message.indexOf('\n');
    const date = message.slice('From user@domain  '.length, end);
    const internalDate = Date.parse(/[+-]\d{4}$/.test(date) ? date : `${date} +0000`) / 1000;
    assert.ok(Number.isFinite(internalDate), date);
    const bytes = Buffer.from(message.slice(end + 1).replaceAll('\n', '\r\n'), 'latin1');
    const parsed = parseMessage(bytes);
    return testMessage(i + 1, {
      bytes,
      fragment: Buffer.from(parsed.fragment),
      size: bytes.length,
      internalDate,
      sentDate: parsed.sentDate ?? internalDate,
      header: null,
      body: null,
    });
  });
  return new TestSource(messages);
}

describe('imaptest: SORT (RFC 5256 §3)', { skip }, () => {
  const by = (key: 'subject' | 'date', reverse = false): SortCriterion => ({ key, reverse });
  const size: SortCriterion = { key: 'size', reverse: true };
  /* Only the first 13 subjects have a known answer. */
  const cases: ReadonlyArray<readonly [string, number, readonly SortCriterion[], number[]]> = [
    ['sort-subject.mbox', 13, [by('subject')], [9, 10, 1, 3, 5, 11, 6, 2, 7, 12, 13, 8, 4]],
    ['sort-subject.mbox', 13, [by('subject', true)], [4, 8, 2, 7, 12, 13, 6, 3, 5, 11, 1, 9, 10]],
    ['sort-subject.mbox', 13, [by('subject'), size], [10, 9, 1, 11, 5, 3, 6, 13, 12, 7, 2, 8, 4]],
    ['sort-date.mbox', 7, [by('date')], [1, 3, 7, 5, 2, 4, 6]],
    ['sort-date.mbox', 7, [by('date', true)], [2, 4, 6, 5, 3, 7, 1]],
    ['sort-date.mbox', 7, [by('date'), size], [1, 7, 3, 5, 6, 4, 2]],
  ];
  for (const [name, count, criteria, expected] of cases) {
    test(`${name} ${criteria.map(({ key, reverse }) => (reverse ? `-${key}` : key)).join(' ')}`, async () => {
      const source = folder(name);
      const sorted = await createFolderSearch(source).sort(source.uids.subarray(0, count), criteria);
      assert.deepEqual(Array.from(sorted), expected);
    });
  }
});

describe('imaptest: THREAD (RFC 5256 §3)', { skip }, () => {
  const write = (node: ThreadNode): string => {
    const below = node.children.map(write);
    const tail = below.length === 1 ? ` ${below[0]}` : below.map((text) => `(${text})`).join('');
    if (node.uid === null) return tail;
    return below.length > 1 ? `${node.uid} ${tail}` : `${node.uid}${tail}`;
  };
  const cases: ReadonlyArray<readonly [string, ThreadAlgorithm, string]> = [
    ['thread.mbox', 'references', '(3 2)(1)'],
    ['thread4.mbox', 'references', '(1 2)'],
    ['thread6.mbox', 'references', '((1)(2))'],
    ['thread7.mbox', 'references', '(1 (2 3)(4))'],
    ['thread-orderedsubject2.mbox', 'orderedsubject', '(4 (2)(8)(6))(3 (1)(7)(5))'],
  ];
  for (const [name, algorithm, expected] of cases) {
    test(name, async () => {
      const source = folder(name);
      const threads = await createFolderSearch(source).thread(source.uids, algorithm);
      assert.equal(threads.map((node) => `(${write(node)})`).join(''), expected);
    });
  }
});

describe('imaptest: SEARCH (RFC 9051 §6.4.4)', { skip }, () => {
  const subject = (text: string): SearchQuery => ({ kind: 'header', name: 'subject', text });
  const extra = (text: string): SearchQuery => ({ kind: 'header', name: 'x-extra', text });
  const cases: ReadonlyArray<readonly [SearchQuery, number[]]> = [
    [subject('hello'), [1]],
    [subject('beautiful'), [1]],
    [subject('hello beautiful world'), [1]],
    [subject('eautiful worl'), [1]],
    [subject(''), [1]],
    [{ kind: 'not', term: subject('') }, [2]],
    [extra(''), [2]],
    [{ kind: 'not', term: extra('') }, [1]],
    [extra('hello beautiful'), [2]],
    [extra('eautiful head'), [2]],
  ];
  for (const [query, expected] of cases) {
    test(JSON.stringify(query), async () => {
      const source = folder('search-header.mbox');
      assert.deepEqual(Array.from(await createFolderSearch(source).search(source.uids, query)), expected);
    });
  }
});
