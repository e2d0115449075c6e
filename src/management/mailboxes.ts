/** Making mailboxes, one or thousands, with names that follow from the address. Knows the directory, no store. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Directory, NewAccount } from '../directory/api.ts';
import type { Account, Credentials, DatabaseRecord } from '../directory/model.ts';
import { checkedAddress, splitAddress, domainKey, ALIAS_LENGTH } from '../directory/names.ts';
import { Failure } from '../observe/failure.ts';

/** One transaction of the directory takes this many: 5 ms measured, so that sessions beside it do not wait. */
const MADE_AT_ONCE = 100;
/** Accounts read in one go. */
const PAGE = 1000;
export const MOST_AT_ONCE = 1_000_000;
const PLACEHOLDER = '%d';

export interface MailboxPlan {
  /** With `%d` for the number when `count` is given. */
  readonly address: string;
  /** Null: one mailbox, the address as it is. */
  readonly count: number | null;
  readonly displayName: string | null;
  /** Name of a mailbox database; null: the one with the first name. */
  readonly database: string | null;
  /**
   * One password file is one secret, so all accounts made with it start with one verifier: computing 10,000 salted
   * ones would take minutes and protect nothing more, as who learns one password knows them all. Setting an account's
   * own password makes its own.
   */
  readonly credentials: Credentials;
  readonly onProgress?: (done: number) => void;
}

/** All or, when it fails between two batches, the first so many hundred. @throws Failure with the next step */
export async function createMailboxes(directory: Directory, plan: MailboxPlan): Promise<readonly Account[]> {
  const addresses = addressesOf(plan);
  const domains = await directory.domains();
  const parts = splitAddress(addresses[0] ?? '');
  const domain = domains.find((one) => domainKey(one.name) === domainKey(parts?.domain ?? ''));
  if (domain === undefined) {
    throw new Failure(
      'NONEXISTENT',
      `${parts?.domain} is no accepted domain here. Known: ${domains.map((one) => one.name).join(', ')}. Add it: penfold domain add ${parts?.domain}`,
    );
  }
  const database = await databaseNamed(directory, plan.database);
  const made: Account[] = [];
  for (let at = 0; at < addresses.length; at += MADE_AT_ONCE) {
    const batch: NewAccount[] = [];
    const some = addresses.slice(at, at + MADE_AT_ONCE);
    for (const [index, address] of some.entries()) {
      batch.push({
        kind: 'user',
        displayName: displayName(plan, address, at + index + 1),
        alias: aliasFor(address, domain.isDefault),
        userPrincipalName: address.toLowerCase(),
        mailbox: { database: database.id, addresses: [address] },
        credentials: plan.credentials,
      });
    }
    made.push(...(await directory.addAccounts(batch)));
    plan.onProgress?.(made.length);
    await nextTurn();
  }
  return made;
}

/** @throws Failure CANNOT */
function addressesOf(plan: MailboxPlan): readonly string[] {
  const holes = plan.address.split(PLACEHOLDER).length - 1;
  if (plan.count === null) {
    if (holes > 0)
      throw new Failure('CANNOT', `${plan.address} has a ${PLACEHOLDER} for numbers: say how many with --count N`);
    return [checkedAddress(plan.address)];
  }
  if (holes !== 1) {
    throw new Failure(
      'CANNOT',
      `with --count the address needs one ${PLACEHOLDER} where the number goes, as in user${PLACEHOLDER}@example.org`,
    );
  }
  return Array.from({ length: plan.count }, (_, i) => checkedAddress(plan.address.replace(PLACEHOLDER, String(i + 1))));
}

function displayName(plan: MailboxPlan, address: string, number: number): string {
  if (plan.displayName !== null) return plan.displayName.replace(PLACEHOLDER, String(number));
  return splitAddress(address)?.localPart ?? address;
}

/** The part before @ in the default domain; with its domain elsewhere, so that ada@a and ada@b can both be. */
function aliasFor(address: string, inDefaultDomain: boolean): string {
  const parts = splitAddress(address) ?? { localPart: address, domain: '' };
  const name = inDefaultDomain ? parts.localPart : `${parts.localPart}.${parts.domain}`;
  return name
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}._+'-]/gu, '_')
    .slice(0, ALIAS_LENGTH);
}

async function databaseNamed(directory: Directory, name: string | null): Promise<DatabaseRecord> {
  const databases = await directory.databases();
  const found = name === null ? databases[0] : databases.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  const known = databases.map((one) => `"${one.name}"`).join(', ');
  throw new Failure(
    'NONEXISTENT',
    name === null ? 'there is no mailbox database' : `there is no mailbox database "${name}". Known: ${known}`,
  );
}

/** @throws Failure NONEXISTENT with what to do */
export async function accountWithMailbox(directory: Directory, address: string): Promise<Account> {
  const account = (await directory.accountByAddress(address)) ?? (await directory.accountByLogonName(address));
  if (account?.mailbox) return account;
  throw new Failure(
    'NONEXISTENT',
    account === null
      ? `there is no mailbox ${address}. All there are: penfold mailbox list`
      : `${address} is an account without a mailbox`,
  );
}

/** All accounts in the order of their aliases, page by page. */
export async function* everyAccount(directory: Directory): AsyncIterable<Account> {
  let after: string | undefined;
  for (;;) {
    const page = await directory.accounts(after === undefined ? { limit: PAGE } : { limit: PAGE, after });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.alias;
  }
}
