/** Penfold's version, as package.json has it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export function version(): string {
  const text = readFileSync(path.join(import.meta.dirname, '..', '..', 'package.json'), 'utf8');
  const facts: unknown = JSON.parse(text);
  return typeof facts === 'object' && facts !== null && 'version' in facts ? String(facts.version) : 'unknown';
}
