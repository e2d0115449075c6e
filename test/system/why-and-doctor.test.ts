/** `penfold doctor` and `penfold why-cannot-log-on` as an admin runs them, without a server and beside a running one. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type ChildServer, penfold, startChild } from '../support/child-server.ts';

let root = '';
let data = '';
let server: ChildServer | null = null;

const run = (...words: string[]) => penfold([...words, '--data', data]);

before(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'penfold-why-'));
  data = path.join(root, 'data');
  server = await startChild(['start', '--data', data, '--ports', 'auto'], /Ctrl-C stops it/);
  const password = path.join(root, 'password');
  await writeFile(password, 'a long enough secret\n');
  const made = await run('mailbox', 'create', 'ada@example.test', '--password-file', password);
  assert.equal(made.code, 0, made.stderr);
});
after(async () => {
  await server?.stop();
  await rm(root, { recursive: true, force: true });
});

test('all well: nothing but a wrong password, for each protocol', async () => {
  const { code, stdout } = await run('why-cannot-log-on', 'ada@example.test');
  assert.equal(code, 0, stdout);
  assert.equal(stdout.match(/nothing stands in the way but a wrong password/g)?.length, 3);
});

test('a stopped back end, a switch, an inactive component, a misspelt name: each with its cure, and the cure works', async () => {
  const refusedBy = async (protocol: string, name = 'ada@example.test'): Promise<string> => {
    const { code, stdout } = await run('why-cannot-log-on', name, '--protocol', protocol);
    assert.equal(code, 4, stdout);
    return stdout;
  };
  assert.equal((await run('service', 'stop', 'imap4-backend')).code, 0);
  assert.match(await refusedBy('imap'), /X Penfold IMAP4 Backend is stopped\n {6}penfold service enable imap4\n/);
  assert.equal((await run('service', 'enable', 'imap4')).code, 0);
  assert.equal((await run('Set-CASMailbox', 'ada@example.test', '-PopEnabled', '$false')).code, 0);
  const popOff = await refusedBy('pop3');
  const cure = /^ {6}(Set-CASMailbox .*)$/m.exec(popOff)?.[1];
  assert.ok(cure !== undefined, popOff);
  const cured = await run(...cure.split(' '));
  assert.equal(cured.code, 0, cured.stderr);
  assert.equal((await run('why-cannot-log-on', 'ada@example.test', '--protocol', 'pop3')).code, 0);
  const off = ['-Component', 'ImapProxy', '-Requester', 'Maintenance', '-State', 'Inactive', '-Confirm:$false'];
  assert.equal((await run('Set-ServerComponentState', 'PENFOLD', ...off)).code, 0);
  const inactive = await refusedBy('imap');
  assert.match(inactive, /ImapProxy is inactive, requested by Maintenance\n {6}Set-ServerComponentState PENFOLD/);
  const active = /^ {6}(Set-ServerComponentState .*)$/m.exec(inactive)?.[1] ?? '';
  assert.equal((await run(...active.split(' '))).code, 0);
  assert.match(await refusedBy('imap', 'aad@example.test'), /did you mean ada@example\.test\?/);
});

test('the doctor has no problem with a fresh instance, and finds a front end without its back end', async () => {
  const fresh = await run('doctor', '--json');
  assert.equal(fresh.code, 0, fresh.stdout);
  assert.equal((await run('service', 'stop', 'pop3-backend')).code, 0);
  const sick = await run('doctor');
  assert.equal(sick.code, 4);
  assert.match(
    sick.stdout,
    /X services: Penfold POP3 runs without Penfold POP3 Backend: nobody can log on\n {4}penfold service enable pop3\n/,
  );
  assert.equal((await run('service', 'enable', 'pop3')).code, 0);
});

test('without a server both say so first', async () => {
  await server?.stop();
  server = null;
  const why = await run('why-cannot-log-on', 'ada@example.test', '--protocol', 'imap');
  assert.equal(why.code, 4);
  assert.match(why.stdout, /X no server runs on this data directory\n {6}penfold serve/);
  const doctor = await run('doctor');
  assert.equal(doctor.code, 4);
  assert.match(doctor.stdout, /X services: no server runs on this data directory/);
});
