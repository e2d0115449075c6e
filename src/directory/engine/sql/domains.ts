/** Accepted domains: few rows, read whole. Exactly one is the default one, once there is any. */
import { Failure } from '../../../observe/failure.ts';
import { domainValues } from '../../audit.ts';
import type { AcceptedDomain } from '../../model.ts';
import { checkedDomain, domainKey } from '../../names.ts';
import { taken } from './object-names.ts';
import { DOMAIN_TYPES, domainOf, numberOf } from './rows.ts';
import type { Reader, Transaction } from './seam.ts';

const OBJECT_KIND = 'AcceptedDomain';

export async function readDomains(reader: Reader): Promise<readonly AcceptedDomain[]> {
  return (await reader.all('SELECT * FROM domain ORDER BY key')).map(domainOf);
}

/** The first domain is the default one whatever `isDefault` says; a later default takes the place of the old one. */
export async function addDomain(transaction: Transaction, given: AcceptedDomain): Promise<void> {
  const name = checkedDomain(given.name);
  checkType(given.type);
  const domains = await readDomains(transaction);
  if (domains.some((one) => domainKey(one.name) === domainKey(name))) throw taken('accepted domain', name);
  const domain: AcceptedDomain = { name, type: given.type, isDefault: given.isDefault || domains.length === 0 };
  if (domain.isDefault) await takeDefault(transaction, domains);
  await transaction.run(
    'INSERT INTO domain (key, name, type, is_default) VALUES (?, ?, ?, ?)',
    domainKey(name),
    name,
    domain.type,
    Number(domain.isDefault),
  );
  transaction.note('domain', name);
  transaction.audit(OBJECT_KIND, name, null, domainValues(domain));
}

export async function changeDomain(
  transaction: Transaction,
  name: string,
  patch: Partial<Omit<AcceptedDomain, 'name'>>,
): Promise<AcceptedDomain> {
  if (patch.type !== undefined) checkType(patch.type);
  const domains = await readDomains(transaction);
  const now = existing(domains, name);
  if (now.isDefault && patch.isDefault === false)
    throw new Failure('CANNOT', `${now.name} is the default domain; make another one the default instead`);
  const next: AcceptedDomain = {
    name: now.name,
    type: patch.type ?? now.type,
    isDefault: patch.isDefault ?? now.isDefault,
  };
  if (next.isDefault && !now.isDefault) await takeDefault(transaction, domains);
  await transaction.run(
    'UPDATE domain SET type = ?, is_default = ? WHERE key = ?',
    next.type,
    Number(next.isDefault),
    domainKey(now.name),
  );
  transaction.note('domain', now.name);
  transaction.audit(OBJECT_KIND, now.name, domainValues(now), domainValues(next));
  return next;
}

export async function removeDomain(transaction: Transaction, name: string): Promise<void> {
  const now = existing(await readDomains(transaction), name);
  if (now.isDefault)
    throw new Failure('CANNOT', `${now.name} is the default domain; make another one the default first`);
  const key = domainKey(now.name);
  const row = await transaction.get(
    String.raw`SELECT count(*) AS addresses FROM address WHERE key LIKE ? ESCAPE '\'`,
    `%@${key.replace(/[\\%_]/g, String.raw`\$&`)}`,
  );
  const addresses = row === null ? 0 : numberOf(row, 'addresses');
  if (addresses > 0)
    throw new Failure(
      'INUSE',
      `${addresses} address${addresses === 1 ? ' is' : 'es are'} in ${now.name}; take them away first`,
    );
  await transaction.run('DELETE FROM domain WHERE key = ?', key);
  transaction.note('domain', now.name);
  transaction.audit(OBJECT_KIND, now.name, domainValues(now), null);
}

async function takeDefault(transaction: Transaction, domains: readonly AcceptedDomain[]): Promise<void> {
  for (const one of domains) {
    if (!one.isDefault) continue;
    await transaction.run('UPDATE domain SET is_default = 0 WHERE key = ?', domainKey(one.name));
    transaction.note('domain', one.name);
    transaction.audit(OBJECT_KIND, one.name, domainValues(one), domainValues({ ...one, isDefault: false }));
  }
}

function existing(domains: readonly AcceptedDomain[], name: string): AcceptedDomain {
  const key = domainKey(name.trim());
  const domain = domains.find((one) => domainKey(one.name) === key);
  if (domain === undefined) throw new Failure('NONEXISTENT', `there is no accepted domain ${name}`);
  return domain;
}

function checkType(type: AcceptedDomain['type']): void {
  if (!DOMAIN_TYPES.includes(type)) throw new Failure('CANNOT', `DomainType must be one of ${DOMAIN_TYPES.join(', ')}`);
}
