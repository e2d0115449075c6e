/** jmap-jam, a JMAP client of other people, against a running server: session, mail by back reference, blobs. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { deliver } from '../jmap/delivery.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';

const PROGRAM = path.join(import.meta.dirname, 'jmap-jam-client.mjs');

describe('jmap-jam', () => {
  let organization: TestOrganization;
  before(async () => {
    organization = await startOrganization({ engine: 'sqlite', users: ['alice'] });
  });
  after(() => organization.stop());

  async function found(password: string): Promise<unknown> {
    const url = `https://localhost:${organization.web}/.well-known/jmap`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [PROGRAM, url, organization.user(0).address, password],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: organization.caFile } },
    );
    return JSON.parse(stdout);
  }

  test('finds the session by its well-known place, reads mail by back reference, sends files up and down', async () => {
    await deliver(organization, 0, 'older');
    await deliver(organization, 0, 'newer');
    assert.deepEqual(await found(organization.user(0).password), {
      accountId: organization.user(0).account.id,
      total: 2,
      subjects: ['newer', 'older'],
      uploaded: 5,
      downloaded: 'hello',
      disposition: `attachment; filename="greeting.txt"; filename*=UTF-8''greeting.txt`,
    });
  });

  test('a wrong password gets no session', async () => {
    assert.deepEqual(await found('wrong'), { refused: 401 });
  });
});
