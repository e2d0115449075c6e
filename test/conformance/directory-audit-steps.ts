/** What a step of the audit suite is, and how the entries are written down that it has to leave. */
import type { Directory } from '../../src/directory/api.ts';
import type { Account, AuditEntry, ReceiveConnector } from '../../src/directory/model.ts';
import type { SmallOrganization } from './directory-fixture.ts';

export type Expected = Omit<AuditEntry, 'id' | 'at' | 'actor'> & {
  /** `before` and `after` are some of the values only. */
  readonly some?: boolean;
};

export interface Step {
  readonly run: (directory: Directory) => Promise<unknown>;
  /** Oldest first. */
  readonly leaves: readonly Expected[];
}

export const changed = (objectKind: string, object: string, before: object, now: object): Expected => ({
  action: 'changed',
  objectKind,
  object,
  before: texts(before),
  after: texts(now),
});
export const created = (objectKind: string, object: string, now: object, some = false): Expected => ({
  action: 'created',
  objectKind,
  object,
  before: null,
  after: texts(now),
  some,
});
export const removed = (objectKind: string, object: string, before: object, some = false): Expected => ({
  action: 'removed',
  objectKind,
  object,
  before: texts(before),
  after: null,
  some,
});
const texts = (values: object): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));

/** What the steps work on, made before the first one runs. */
export interface AuditWorld {
  here(): SmallOrganization;
  connector(): ReceiveConnector;
  keep(account: Account): void;
  the(alias: string): Account;
}
