/** Last use by protocol, app password and web session (directory/last-use.ts). */
import { type LastUse, type LastUses, PROGRAM_CHARACTERS, type Use, USED_PROTOCOLS } from '../../last-use.ts';
import type { AccountId } from '../../model.ts';
import { numberOf, textOf, wordOf } from './rows.ts';
import type { Reader, Row, Transaction } from './seam.ts';

type Write = <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T>;

export function lastUsesOf(reader: Reader, write: Write): LastUses {
  return {
    lastUses: (account) => read(reader, account),
    noteUses: (uses) => write((to) => note(to, uses)),
  };
}

async function read(reader: Reader, account: AccountId): Promise<readonly LastUse[]> {
  const uses = (await reader.all('SELECT * FROM last_use WHERE account = ?', account)).map(useOf);
  return USED_PROTOCOLS.flatMap((protocol) => uses.filter((use) => use.protocol === protocol));
}

async function note(transaction: Transaction, uses: readonly Use[]): Promise<void> {
  for (const use of uses) {
    // The account may have gone meanwhile; SELECT says so without a question more. PostgreSQL wants to know the types.
    await transaction.run(
      `INSERT INTO last_use (account, protocol, at, client_address, program)
       SELECT id, CAST(? AS text), CAST(? AS bigint), CAST(? AS text), CAST(? AS text) FROM account WHERE id = ?
       ON CONFLICT (account, protocol) DO UPDATE
         SET at = excluded.at, client_address = excluded.client_address, program = excluded.program
         WHERE last_use.at < excluded.at`,
      use.protocol,
      use.at,
      use.clientAddress,
      use.program.slice(0, PROGRAM_CHARACTERS),
      use.account,
    );
    if (use.appPassword !== null)
      await transaction.run(
        'UPDATE app_password SET last_used_at = ? WHERE id = ? AND account = ? AND coalesce(last_used_at, 0) < ?',
        use.at,
        use.appPassword,
        use.account,
        use.at,
      );
    if (use.webSession !== null)
      await transaction.run(
        'UPDATE web_session SET last_used_at = ?, client_address = ? WHERE id = ? AND account = ? AND last_used_at < ?',
        use.at,
        use.clientAddress,
        use.webSession,
        use.account,
        use.at,
      );
  }
}

const useOf = (row: Row): LastUse => ({
  protocol: wordOf(row, 'protocol', USED_PROTOCOLS),
  at: numberOf(row, 'at'),
  clientAddress: textOf(row, 'client_address'),
  program: textOf(row, 'program'),
});
