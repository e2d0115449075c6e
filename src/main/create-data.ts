/**
 * Setting up a data directory: the directory is made beside its place and moved there when all of it is written, so
 * that a set-up that was interrupted leaves nothing half done.
 */
import { mkdir, rename, rm } from 'node:fs/promises';
import type { DataLayout } from '../config/data-directory.ts';
import type { Directory } from '../directory/api.ts';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import { Failure } from '../observe/failure.ts';
import { directoryFile, isSetUp } from './open-directory.ts';
import { type CreatedOrganization, createOrganization, type OrganizationPlan } from './organization.ts';

/** `more`: further work on the new directory, before it counts. @throws Failure ALREADYEXISTS */
export async function createData(
  layout: DataLayout,
  plan: OrganizationPlan,
  more: (directory: Directory, created: CreatedOrganization) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  if (isSetUp(layout)) {
    throw new Failure(
      'ALREADYEXISTS',
      `${layout.root} is set up already; setting up again would replace its directory`,
    );
  }
  await mkdir(layout.root, { recursive: true, mode: 0o700 });
  const draft = `${layout.directory}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  const directory = await openSqliteDirectory({ file: directoryFile(draft) });
  try {
    const created = await createOrganization(directory, plan);
    await more(directory, created);
  } finally {
    await directory.close();
  }
  await rename(draft, layout.directory);
}
