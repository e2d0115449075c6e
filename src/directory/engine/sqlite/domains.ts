/** Accepted domains: few rows, read whole and kept. Exactly one is the default one, once there is any. */
import { Failure } from '../../../observe/failure.ts';
import type { DirectoryChange } from '../../api.ts';
import { domainValues } from '../../audit.ts';
import type { AcceptedDomain, Actor } from '../../model.ts';
import { checkedDomain, domainKey } from '../../names.ts';
import type { DirectoryFile, Transaction } from './file.ts';
import { DOMAIN_TYPES, domainOf, numberOf } from './rows.ts';
import { taken } from './topology.ts';

const OBJECT_KIND = 'AcceptedDomain';

export class Domains {
  readonly #file: DirectoryFile;
  #domains: readonly AcceptedDomain[] | null = null;

  constructor(file: DirectoryFile) {
    this.#file = file;
  }

  forget(change: DirectoryChange): void {
    if (change.kind === 'domain') this.#domains = null;
  }

  all(): readonly AcceptedDomain[] {
    this.#domains ??= this.#file.all('SELECT * FROM domain ORDER BY key').map(domainOf);
    return this.#domains;
  }

  /** The first domain is the default one whatever `isDefault` says; a later default takes the place of the old one. */
  add(actor: Actor, given: AcceptedDomain): void {
    const name = checkedDomain(given.name);
    checkType(given.type);
    this.#file.write(actor, (transaction) => {
      const domains = this.all();
      if (domains.some((one) => domainKey(one.name) === domainKey(name))) throw taken('accepted domain', name);
      const domain: AcceptedDomain = { name, type: given.type, isDefault: given.isDefault || domains.length === 0 };
      if (domain.isDefault) this.#noDefault(transaction);
      this.#file.run(
        'INSERT INTO domain (key, name, type, is_default) VALUES (?, ?, ?, ?)',
        domainKey(name),
        name,
        domain.type,
        Number(domain.isDefault),
      );
      transaction.note('domain', name);
      transaction.audit(OBJECT_KIND, name, null, domainValues(domain));
    });
  }

  change(actor: Actor, name: string, patch: Partial<Omit<AcceptedDomain, 'name'>>): AcceptedDomain {
    if (patch.type !== undefined) checkType(patch.type);
    return this.#file.write(actor, (transaction) => {
      const now = this.#existing(name);
      if (now.isDefault && patch.isDefault === false)
        throw new Failure('CANNOT', `${now.name} is the default domain; make another one the default instead`);
      const next: AcceptedDomain = {
        name: now.name,
        type: patch.type ?? now.type,
        isDefault: patch.isDefault ?? now.isDefault,
      };
      if (next.isDefault && !now.isDefault) this.#noDefault(transaction);
      this.#file.run(
        'UPDATE domain SET type = ?, is_default = ? WHERE key = ?',
        next.type,
        Number(next.isDefault),
        domainKey(now.name),
      );
      transaction.note('domain', now.name);
      transaction.audit(OBJECT_KIND, now.name, domainValues(now), domainValues(next));
      return next;
    });
  }

  remove(actor: Actor, name: string): void {
    this.#file.write(actor, (transaction) => {
      const now = this.#existing(name);
      if (now.isDefault)
        throw new Failure('CANNOT', `${now.name} is the default domain; make another one the default first`);
      const key = domainKey(now.name);
      const row = this.#file.get(
        "SELECT count(*) AS addresses FROM address WHERE substr(key, instr(key, '@') + 1) = ?",
        key,
      );
      const addresses = row === null ? 0 : numberOf(row, 'addresses');
      if (addresses > 0)
        throw new Failure(
          'INUSE',
          `${addresses} address${addresses === 1 ? ' is' : 'es are'} in ${now.name}; take them away first`,
        );
      this.#file.run('DELETE FROM domain WHERE key = ?', key);
      transaction.note('domain', now.name);
      transaction.audit(OBJECT_KIND, now.name, domainValues(now), null);
    });
  }

  #noDefault(transaction: Transaction): void {
    for (const one of this.all()) {
      if (!one.isDefault) continue;
      this.#file.run('UPDATE domain SET is_default = 0 WHERE key = ?', domainKey(one.name));
      transaction.note('domain', one.name);
      transaction.audit(OBJECT_KIND, one.name, domainValues(one), domainValues({ ...one, isDefault: false }));
    }
  }

  #existing(name: string): AcceptedDomain {
    const key = domainKey(name.trim());
    const domain = this.all().find((one) => domainKey(one.name) === key);
    if (domain === undefined) throw new Failure('NONEXISTENT', `there is no accepted domain ${name}`);
    return domain;
  }
}

function checkType(type: AcceptedDomain['type']): void {
  if (!DOMAIN_TYPES.includes(type)) throw new Failure('CANNOT', `DomainType must be one of ${DOMAIN_TYPES.join(', ')}`);
}
