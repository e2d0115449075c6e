/**
 * Secrets that the servers of an organization share. They come sealed and leave sealed; nothing here can open them, and
 * none is kept in memory or shown in the audit log.
 */
import { Failure } from '../../../observe/failure.ts';
import { SECRET } from '../../audit.ts';
import { bytesOf } from './rows.ts';
import type { Reader, Transaction } from './seam.ts';

/** A key pair with its certificate takes a few hundred bytes. */
export const ORGANIZATION_SECRET_BYTES = 64 * 1024;
const NAME = /^[a-z0-9][a-z0-9.-]{0,63}$/;

export async function readOrganizationSecret(reader: Reader, name: string): Promise<Uint8Array | null> {
  const row = await reader.get('SELECT value FROM organization_secret WHERE name = ?', name);
  return row === null ? null : bytesOf(row, 'value');
}

/** What counts afterwards. */
export async function setOrganizationSecret(
  transaction: Transaction,
  name: string,
  value: Uint8Array | null,
  onlyIfAbsent: boolean,
): Promise<Uint8Array | null> {
  if (!NAME.test(name))
    throw new Failure('CANNOT', 'the name of a secret is 1–64 lower-case letters, digits, dots and hyphens');
  if (value !== null && (value.length < 1 || value.length > ORGANIZATION_SECRET_BYTES))
    throw new Failure('CANNOT', `a secret has 1–${ORGANIZATION_SECRET_BYTES} bytes`);
  const now = await readOrganizationSecret(transaction, name);
  if (now === null ? value === null : onlyIfAbsent) return now;
  if (value === null) await transaction.run('DELETE FROM organization_secret WHERE name = ?', name);
  else
    await transaction.run(
      `INSERT INTO organization_secret (name, value) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      name,
      value,
    );
  transaction.note('organization', null);
  // A new value counts as a change whatever stood there before; neither is ever shown.
  const shown = { Value: SECRET };
  transaction.audit(
    'OrganizationSecret',
    name,
    now === null ? null : value === null ? shown : {},
    value === null ? null : shown,
  );
  return value;
}
