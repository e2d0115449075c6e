/**
 * What all servers of an organization share and nobody else may know: sealed in the directory, opened with
 * `organization.key` in each server's data directory. A server that is alone has them too, so that others can join it.
 *
 * An instance of an earlier version is given them at its first start: the salts' key and the clients' authority that
 * it has are adopted, the servers' authority is made.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import type { DataLayout } from '../config/data-directory.ts';
import type { Directory } from '../directory/api.ts';
import { Failure } from '../observe/failure.ts';
import { readAuthority } from '../tls/authority.ts';
import type { AuthorityPem } from '../tls/ecdsa.ts';
import { KEY_FILE_MODE, readIfThere, writeWhole } from '../tls/key-file.ts';
import { newSealingKey, seal, SEALING_KEY_BYTES, unseal } from '../tls/seal.ts';
import { makeServerAuthority } from '../tls/server-authority.ts';

const SALT_KEY_BYTES = 32;
const SERVER_AUTHORITY = 'server-authority';
const CLIENT_AUTHORITY = 'client-authority';
const SALT_KEY = 'logon-salt';

const pemPair = v.strictObject({ certificatePem: v.string(), keyPem: v.string() });

export class OrganizationSecrets {
  readonly sealingKey: Uint8Array;
  readonly #directory: Directory;

  /** @param sealingKey what is in `organization.key` */
  constructor(directory: Directory, sealingKey: Uint8Array) {
    this.#directory = directory;
    this.sealingKey = sealingKey;
  }

  /** Asked for at every renewal: one that took its place counts then. @throws Failure NONEXISTENT, CORRUPTION */
  async serverAuthority(): Promise<AuthorityPem> {
    return this.#pair(SERVER_AUTHORITY);
  }

  /** The authority whose certificates clients see. @throws Failure NONEXISTENT, CORRUPTION */
  async clientAuthority(): Promise<AuthorityPem> {
    return this.#pair(CLIENT_AUTHORITY);
  }

  /**
   * Salts for logon names that do not exist derive from it (auth/authenticator.ts): it has to outlive a restart, and to
   * be the same on every front end, or a stranger could tell such names from others by asking two of them.
   */
  async saltKey(): Promise<Uint8Array> {
    return this.#existing(SALT_KEY);
  }

  /** What is missing is made, of what this server has where it has something; what another server made first stays. */
  async ensure(
    organization: string,
    own: { readonly saltKey: Uint8Array | null; readonly clientAuthority: AuthorityPem | null },
  ): Promise<void> {
    const lacks = async (name: string): Promise<boolean> => (await this.#directory.organizationSecret(name)) === null;
    if (await lacks(SERVER_AUTHORITY))
      await this.#add(SERVER_AUTHORITY, written(await makeServerAuthority(organization)));
    if (await lacks(SALT_KEY)) await this.#add(SALT_KEY, own.saltKey ?? randomBytes(SALT_KEY_BYTES));
    if (own.clientAuthority !== null && (await lacks(CLIENT_AUTHORITY)))
      await this.#add(CLIENT_AUTHORITY, written(own.clientAuthority));
  }

  /** Certificates of the old one count for nothing as soon as the running servers have heard of it. */
  async replaceServerAuthority(organization: string): Promise<void> {
    const made = written(await makeServerAuthority(organization));
    await this.#directory.setOrganizationSecret(SERVER_AUTHORITY, seal(this.sealingKey, SERVER_AUTHORITY, made));
  }

  async #add(name: string, secret: Uint8Array): Promise<void> {
    await this.#directory.setOrganizationSecret(name, seal(this.sealingKey, name, secret), true);
  }

  async #existing(name: string): Promise<Uint8Array> {
    const sealed = await this.#directory.organizationSecret(name);
    if (sealed === null)
      throw new Failure('NONEXISTENT', `the directory lacks the secret ${name}; restore it from a backup`);
    return unseal(this.sealingKey, name, sealed);
  }

  async #pair(name: string): Promise<AuthorityPem> {
    return v.parse(pemPair, JSON.parse(Buffer.from(await this.#existing(name)).toString()));
  }
}

const written = (pair: AuthorityPem): Uint8Array => Buffer.from(JSON.stringify(pair));

/** What `organization.key` holds; null: there is none. @throws Failure CORRUPTION */
export async function readSealingKey(layout: DataLayout): Promise<Uint8Array | null> {
  const text = await readIfThere(layout.organizationKey);
  if (text === null) return null;
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== SEALING_KEY_BYTES)
    throw new Failure('CORRUPTION', `${layout.organizationKey} is damaged; restore it from a backup`);
  return key;
}

export const writeSealingKey = (layout: DataLayout, key: Uint8Array): Promise<void> =>
  writeWhole(layout.organizationKey, `${Buffer.from(key).toString('base64')}\n`, KEY_FILE_MODE);

/**
 * Of a data directory that was set up, by this version or an earlier one, and has its certificates. The caller is the
 * only one at work on it.
 * @throws Failure CORRUPTION when its key is gone: a new one would cut it off from the other servers
 */
export async function openOrganizationSecrets(layout: DataLayout, directory: Directory): Promise<OrganizationSecrets> {
  let key = await readSealingKey(layout);
  if (key === null) {
    if ((await directory.organizationSecret(SERVER_AUTHORITY)) !== null)
      throw new Failure(
        'CORRUPTION',
        `${layout.organizationKey} is gone and the directory's secrets do not open without it; restore it from a backup or from another server`,
      );
    key = newSealingKey();
    await mkdir(layout.root, { recursive: true, mode: 0o700 });
    await writeSealingKey(layout, key);
  }
  const secrets = new OrganizationSecrets(directory, key);
  const saltFile = path.join(layout.directory, 'salt.key');
  await secrets.ensure((await directory.organization()).name, {
    saltKey: await oldSaltKey(saltFile),
    clientAuthority: await readAuthority(layout.tls),
  });
  await rm(saltFile, { force: true });
  return secrets;
}

/** Where versions before many servers kept it. */
async function oldSaltKey(file: string): Promise<Uint8Array | null> {
  try {
    const key = await readFile(file);
    return key.length === SALT_KEY_BYTES ? key : null;
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return null;
    throw error;
  }
}
