/** The contract of store/api.ts as tests; every engine has to pass all of it. */
import type { OpenStore } from './store-fixture.ts';
import { folderConformance } from './store-folders.ts';
import { messageConformance } from './store-messages.ts';
import { modelConformance } from './store-model.ts';
import { movingConformance } from './store-moving.ts';
import { quotaConformance } from './store-quota.ts';
import { readingConformance } from './store-reading.ts';

export function storeConformance(name: string, open: OpenStore, options: { histories: number }): void {
  folderConformance(name, open);
  messageConformance(name, open);
  readingConformance(name, open);
  quotaConformance(name, open);
  movingConformance(name, open);
  modelConformance(name, open, options.histories);
}
