/** Web sessions (directory/web-session.ts). Sign-ins and tokens are no admin's changes; endings by a person are audited. */
import { randomUUID } from 'node:crypto';
import { Failure } from '../../../observe/failure.ts';
import type { AuditValues } from '../../audit.ts';
import { type AccountId, accountId } from '../../model.ts';
import {
  type NewWebSession,
  USER_AGENT_CHARACTERS,
  WEB_SESSION_IDLE_MS,
  WEB_SESSION_LIFE_MS,
  WEB_SESSIONS_PER_ACCOUNT,
  type WebSession,
  webSessionExpiry,
  type WebSessions,
  type WebSessionTokens,
} from '../../web-session.ts';
import { existingAccount } from './accounts.ts';
import { bytesOf, numberOf, textOf } from './rows.ts';
import type { Reader, Row, Transaction } from './seam.ts';

/** SHA-256. */
export const WEB_TOKEN_BYTES = 32;

type Write = <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T>;
type Known = Pick<WebSessions, 'webSessionTokens'>;

/** The part of the directory that is about web sessions. */
export function webSessionsOf(reader: Reader, known: Known, now: () => number, write: Write): WebSessions {
  return {
    webSessions: async (account) => {
      const rows = await readRows(reader, account);
      return rows.map(sessionOf).filter((session) => webSessionExpiry(session) > now());
    },
    webSessionTokens: (account) => known.webSessionTokens(account),
    addWebSession: (session) => write((to) => add(to, session)),
    offerWebSessionToken: (session, token, unlessSince) => write((to) => offer(to, session, token, unlessSince)),
    adoptWebSessionToken: (session, token, formerUntil) => write((to) => adopt(to, session, token, formerUntil)),
    signOut: (session) =>
      write(async (to) => {
        const gone = await to.run('DELETE FROM web_session WHERE account = ? AND id = ?', session.account, session.id);
        if (gone > 0) to.note('web-session', session.account);
      }),
    endWebSessions: (account, ids) => write((to) => end(to, account, ids ?? null)),
  };
}

/** Null: there are none, which is not worth remembering of everybody. */
export async function readWebSessionTokens(
  reader: Reader,
  account: AccountId,
): Promise<ReadonlyArray<WebSession & WebSessionTokens> | null> {
  const rows = await readRows(reader, account);
  return rows.length === 0 ? null : rows.map((row) => ({ ...sessionOf(row), ...tokensOf(row) }));
}

const readRows = (reader: Reader, account: AccountId): Promise<readonly Row[]> =>
  reader.all('SELECT * FROM web_session WHERE account = ? ORDER BY last_used_at DESC, id', account);

async function add(transaction: Transaction, given: NewWebSession): Promise<WebSession> {
  checkToken(given.token);
  await existingAccount(transaction, given.account);
  await transaction.run(
    'DELETE FROM web_session WHERE last_used_at <= ? OR created_at <= ?',
    transaction.at - WEB_SESSION_IDLE_MS,
    transaction.at - WEB_SESSION_LIFE_MS,
  );
  const present = await readRows(transaction, given.account);
  for (const row of present.slice(WEB_SESSIONS_PER_ACCOUNT - 1))
    await transaction.run('DELETE FROM web_session WHERE id = ?', textOf(row, 'id'));
  const session: WebSession = {
    id: randomUUID(),
    account: given.account,
    createdAt: transaction.at,
    lastUsedAt: transaction.at,
    userAgent: given.userAgent.slice(0, USER_AGENT_CHARACTERS),
    clientAddress: given.clientAddress,
    isRemembered: given.isRemembered,
  };
  await transaction.run(
    `INSERT INTO web_session (id, account, token, token_at, created_at, last_used_at, user_agent, client_address,
       remembered, offered, offered_at, former, former_until)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, 0, NULL, 0)`,
    session.id,
    session.account,
    given.token,
    transaction.at,
    session.createdAt,
    session.lastUsedAt,
    session.userAgent,
    session.clientAddress,
    Number(session.isRemembered),
  );
  transaction.note('web-session', given.account);
  return session;
}

async function offer(
  transaction: Transaction,
  session: WebSession,
  token: Uint8Array,
  unlessSince: number,
): Promise<boolean> {
  checkToken(token);
  const changed = await transaction.run(
    'UPDATE web_session SET offered = ?, offered_at = ? WHERE id = ? AND account = ? AND offered_at < ? AND token_at < ?',
    token,
    transaction.at,
    session.id,
    session.account,
    unlessSince,
    unlessSince,
  );
  if (changed > 0) transaction.note('web-session', session.account);
  return changed > 0;
}

async function adopt(
  transaction: Transaction,
  session: WebSession,
  token: Uint8Array,
  formerUntil: number,
): Promise<void> {
  const changed = await transaction.run(
    `UPDATE web_session SET former = token, former_until = ?, token = offered, token_at = ?, offered = NULL
     WHERE id = ? AND account = ? AND offered = ?`,
    formerUntil,
    transaction.at,
    session.id,
    session.account,
    token,
  );
  if (changed > 0) transaction.note('web-session', session.account);
}

async function end(transaction: Transaction, id: AccountId, ids: readonly string[] | null): Promise<number> {
  const account = await existingAccount(transaction, id);
  const chosen = (await readRows(transaction, id))
    .map(sessionOf)
    .filter((session) => ids === null || ids.includes(session.id));
  for (const session of chosen) {
    await transaction.run('DELETE FROM web_session WHERE id = ?', session.id);
    transaction.audit('WebSession', account.alias, valuesOf(session), null);
  }
  if (chosen.length > 0) transaction.note('web-session', id);
  return chosen.length;
}

const valuesOf = (session: WebSession): AuditValues => ({
  ClientAddress: session.clientAddress,
  UserAgent: session.userAgent,
  Created: new Date(session.createdAt).toISOString(),
});

function checkToken(token: Uint8Array): void {
  if (token.length !== WEB_TOKEN_BYTES)
    throw new Failure('CANNOT', `a token comes as ${WEB_TOKEN_BYTES} bytes of SHA-256`);
}

const sessionOf = (row: Row): WebSession => ({
  id: textOf(row, 'id'),
  account: accountId(textOf(row, 'account')),
  createdAt: numberOf(row, 'created_at'),
  lastUsedAt: numberOf(row, 'last_used_at'),
  userAgent: textOf(row, 'user_agent'),
  clientAddress: textOf(row, 'client_address'),
  isRemembered: numberOf(row, 'remembered') === 1,
});

const tokensOf = (row: Row): WebSessionTokens => ({
  token: bytesOf(row, 'token'),
  tokenAt: numberOf(row, 'token_at'),
  offered: row['offered'] === null ? null : bytesOf(row, 'offered'),
  offeredAt: numberOf(row, 'offered_at'),
  former: row['former'] === null ? null : bytesOf(row, 'former'),
  formerUntil: numberOf(row, 'former_until'),
});
