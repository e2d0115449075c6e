/**
 * Secrets that the servers of an organization share. They come sealed and leave sealed; nothing here can open them, and
 * none is kept in memory or shown in the audit log.
 */
import { Failure } from '../../../observe/failure.ts';
import { SECRET } from '../../audit.ts';
import type { Actor } from '../../model.ts';
import type { DirectoryFile } from './file.ts';
import { bytesOf } from './rows.ts';

/** A key pair with its certificate takes a few hundred bytes. */
export const ORGANIZATION_SECRET_BYTES = 64 * 1024;
const NAME = /^[a-z0-9][a-z0-9.-]{0,63}$/;

export class OrganizationSecrets {
  readonly #file: DirectoryFile;

  constructor(file: DirectoryFile) {
    this.#file = file;
  }

  get(name: string): Uint8Array | null {
    const row = this.#file.get('SELECT value FROM organization_secret WHERE name = ?', name);
    return row === null ? null : bytesOf(row, 'value');
  }

  set(actor: Actor, name: string, value: Uint8Array | null, onlyIfAbsent: boolean): Uint8Array | null {
    if (!NAME.test(name))
      throw new Failure('CANNOT', 'the name of a secret is 1–64 lower-case letters, digits, dots and hyphens');
    if (value !== null && (value.length < 1 || value.length > ORGANIZATION_SECRET_BYTES))
      throw new Failure('CANNOT', `a secret has 1–${ORGANIZATION_SECRET_BYTES} bytes`);
    return this.#file.write(actor, (transaction) => {
      const now = this.get(name);
      if (now === null ? value === null : onlyIfAbsent) return now;
      if (value === null) this.#file.run('DELETE FROM organization_secret WHERE name = ?', name);
      else
        this.#file.run(
          `INSERT INTO organization_secret (name, value) VALUES (?1, ?2)
           ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
          name,
          value,
        );
      transaction.note('organization', null);
      // A new value counts as a change whatever stood there before; neither is ever shown.
      const after = value === null ? null : { Value: SECRET };
      transaction.audit(
        'OrganizationSecret',
        name,
        now === null ? null : value === null ? { Value: SECRET } : {},
        after,
      );
      return value;
    });
  }
}
