/** The organization: one row (exchange-behaviour.md §9.1). */
import { Failure } from '../../../observe/failure.ts';
import { settingsValues } from '../../audit.ts';
import type { Organization } from '../../model.ts';
import { checkedDisplayName } from '../../names.ts';
import { transportConfigSchema } from '../../settings/transport-config.ts';
import { organizationOf } from './rows.ts';
import type { OnRefused, Reader, Transaction } from './seam.ts';

export async function readOrganization(reader: Reader, onRefused: OnRefused): Promise<Organization> {
  const row = await reader.get('SELECT * FROM organization');
  if (row === null) throw new Failure('CORRUPTION', 'the directory has no organization; restore it from a backup');
  return organizationOf(row, onRefused);
}

export async function setOrganization(
  transaction: Transaction,
  patch: Partial<Organization>,
  onRefused: OnRefused,
): Promise<Organization> {
  const { name: givenName, ...limits } = patch;
  const checked = transportConfigSchema.check(limits);
  const now = await readOrganization(transaction, onRefused);
  const config = transportConfigSchema.merge(now, checked);
  const name = givenName === undefined ? now.name : checkedDisplayName(givenName, 'Organization name');
  await transaction.run(
    'UPDATE organization SET name = ?, transport_config = ?',
    name,
    JSON.stringify(transportConfigSchema.store(config)),
  );
  transaction.note('organization', null);
  transaction.audit(
    'TransportConfig',
    name,
    { Name: now.name, ...settingsValues(transportConfigSchema, now) },
    { Name: name, ...settingsValues(transportConfigSchema, config) },
  );
  return { ...config, name };
}
