/** Plays the scripts of the not authenticated state (IMAP) and the AUTHORIZATION state (POP3) against a front end. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { LoginType } from '../../../../src/directory/model.ts';
import { play } from '../../../support/dialogue.ts';
import { parseScript } from '../../../support/dialogue-script.ts';
import { openTestServer } from './server.ts';

const STAGES: ReadonlyArray<{ readonly file: string; readonly loginType: LoginType; readonly implicitTls: boolean }> = [
  { file: 'secure-login.txt', loginType: 'SecureLogin', implicitTls: false },
  { file: 'plain-text-login.txt', loginType: 'PlainTextLogin', implicitTls: false },
  { file: 'plain-text-authentication.txt', loginType: 'PlainTextAuthentication', implicitTls: false },
  { file: 'ssl.txt', loginType: 'SecureLogin', implicitTls: true },
];

const FOLDERS = {
  imap: import.meta.dirname,
  pop3: path.join(import.meta.dirname, '../../pop3/authorization'),
};

for (const protocol of ['imap', 'pop3'] as const) {
  describe(`${protocol} before logon`, { concurrency: 4 }, async () => {
    for (const { file, loginType, implicitTls } of STAGES) {
      const script = path.join(FOLDERS[protocol], file);
      const text = await readFile(script, 'utf8').catch(() => null);
      if (text === null) continue;
      const scenarios = parseScript(text, file);
      assert.ok(scenarios.length > 0);
      for (const scenario of scenarios) {
        test(`${file}: ${scenario.title}`, async () => {
          const server = await openTestServer({ [protocol]: { loginType } });
          await play(scenario, script, {
            connect: () => server.connect(protocol, implicitTls),
            setUp: () => Promise.resolve(),
            close: () => server.close(),
          });
          assert.deepEqual(
            server.log.filter((line) => line.level === 'error'),
            [],
          );
        });
      }
    }
  });
}
