/** The example of docs/jmap.md, as it stands there, against a running server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { needs } from '../clients/instance.ts';
import { startOrganization } from '../support/organization.ts';
import { at } from './client.ts';
import { deliver } from './delivery.ts';

test('the example of docs/jmap.md', { skip: needs('curl', 'sh') }, async () => {
  const text = await readFile(path.join(import.meta.dirname, '..', '..', 'docs', 'jmap.md'), 'utf8');
  const script = /```sh\n([\s\S]*?)```/.exec(text)?.[1];
  assert.ok(script !== undefined, 'there is an example');
  const organization = await startOrganization({ engine: 'memory', users: ['alice'] });
  try {
    await deliver(organization, 0, 'seen by curl');
    const { address, password } = organization.user(0);
    const { stdout } = await promisify(execFile)('sh', ['-ec', script], {
      env: {
        ...process.env,
        SERVER: `localhost:${organization.web}`,
        CA: organization.caFile,
        USER_NAME: address,
        PASSWORD: password,
      },
    });
    assert.equal(at(JSON.parse(stdout), 'methodResponses', '1', '1', 'list', '0', 'subject'), 'seen by curl');
  } finally {
    await organization.stop();
  }
});
