/**
 * Indexing in the background: finds messages without text, has them extracted, keeps the result. In small steps with
 * a budget, because a mailbox that was just imported is no reason for others to wait (field-study.md A6: an indexer
 * at 100 % CPU for 90 minutes).
 */
import { entriesOf, extractAll } from './missing-texts.ts';
import type { TextIndexer, TextSource } from './source.ts';

/** Contents asked for at a time; some 30 KB each in an ordinary mailbox. */
export const INDEX_BATCH = 128;

export function createTextIndexer(source: TextSource): TextIndexer {
  let running: Promise<boolean> | null = null;

  /** True while there may be more. */
  async function batch(): Promise<boolean> {
    const contents = await source.untexted(INDEX_BATCH);
    if (contents.length === 0) return false;
    for await (const made of extractAll(source.messages(contents))) {
      /* A content whose bytes are gone gets its empty text too, or it would be asked for again for ever. */
      await source.putTexts(entriesOf(made, contents, { empty: true }));
    }
    return contents.length === INDEX_BATCH;
  }

  async function work(budgetMs: number): Promise<boolean> {
    const end = performance.now() + budgetMs;
    while (await batch()) if (performance.now() >= end) return true;
    return false;
  }

  return {
    step(budgetMs) {
      running ??= work(budgetMs).finally(() => {
        running = null;
      });
      return running;
    },
  };
}
