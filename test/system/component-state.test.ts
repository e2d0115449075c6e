/** Inactive components refuse readably, say who asked for it, and serve again when nobody does (exchange-behaviour.md §4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ComponentName, ComponentRequester } from '../../src/directory/model.ts';
import { greeting } from '../support/child-server.ts';
import { startOrganization } from '../support/organization.ts';

test('a component serves only while no requester has taken it out', async () => {
  const organization = await startOrganization({ engine: 'memory' });
  try {
    const { directory, server, running, imap, pop3, smtp } = organization;
    const set = async (component: ComponentName, requester: ComponentRequester, state: 'Active' | 'Inactive') => {
      await directory.setComponentRequest(server.id, { component, requester, state });
      await running.settled();
    };
    const refusals = async (): Promise<readonly (string | null)[]> =>
      Promise.all([greeting(imap.plain), greeting(pop3.plain), greeting(smtp.submission)]);

    await set('ImapProxy', 'HealthAPI', 'Inactive');
    await set('ImapProxy', 'Maintenance', 'Inactive');
    let [imapSays, popSays, smtpSays] = await refusals();
    assert.match(
      imapSays ?? '',
      /^\* BYE \[UNAVAILABLE\] .*ImapProxy is Inactive, requested by HealthAPI, Maintenance.*try again later/,
    );
    assert.match(popSays ?? '', /^\+OK/);
    assert.match(smtpSays ?? '', /^220 /);

    await set('ImapProxy', 'HealthAPI', 'Active');
    assert.match((await greeting(imap.plain)) ?? '', /requested by Maintenance\)/, 'each requester counts for itself');
    await set('ImapProxy', 'Maintenance', 'Active');
    assert.match((await greeting(imap.plain)) ?? '', /^\* OK/);

    await set('ServerWideOffline', 'Maintenance', 'Inactive');
    [imapSays, popSays, smtpSays] = await refusals();
    assert.match(imapSays ?? '', /^\* BYE/);
    assert.match(popSays ?? '', /^-ERR \[SYS\/TEMP\] .*Maintenance/);
    assert.match(smtpSays ?? '', /^421 4\.3\.2 .*Maintenance/);
    await set('ServerWideOffline', 'Maintenance', 'Active');
    for (const says of await refusals()) assert.match(says ?? '', /^(\* OK|\+OK|220)/);
  } finally {
    await organization.stop();
  }
});
