/** docs/admin/configuration.md and the commented file that `penfold setup` writes, both made from the schema. */
import { configurationKeys } from './schema.ts';

export function configurationReference(): string {
  const lines = [
    '# Configuration file',
    '',
    'Made from `src/config/schema.ts` by `penfold config reference`; a test fails when the two differ.',
    '',
    'TOML, `penfold.toml` in the data directory, or the file named by `penfold serve --config`. A missing file or key',
    'means the default. A key that does not exist is refused, and the nearest one is named. `penfold config check` reads the',
    'file without starting anything. The file is read when the server starts. Ports, connectors, limits of a protocol,',
    'domains and mailboxes are not here: they live in the directory and can be changed while the server runs.',
  ];
  let section = '';
  for (const key of configurationKeys()) {
    if (key.section !== section) {
      section = key.section;
      lines.push('', `## [${section}]`, '', '| key | type | range | default | meaning |', '|---|---|---|---|---|');
    }
    lines.push(`| \`${key.key}\` | ${key.type} | ${key.range} | \`${key.default}\` | ${key.help} |`);
  }
  return `${lines.join('\n')}\n`;
}

/** Every key as a comment with its default, the given ones set. `values` is keyed by `section.key`. */
export function configurationTemplate(values: ReadonlyMap<string, string | number>): string {
  const lines = ['# Penfold, configuration of this server. Every key with its default: docs/admin/configuration.md'];
  let section = '';
  for (const key of configurationKeys()) {
    if (key.section !== section) {
      section = key.section;
      lines.push('', `[${section}]`);
    }
    const value = values.get(`${key.section}.${key.key}`);
    lines.push(`# ${key.help}${key.range === '' ? '' : ` (${key.range.replaceAll('`', '')})`}`);
    lines.push(value === undefined ? `# ${key.key} = ${key.default}` : `${key.key} = ${JSON.stringify(value)}`);
  }
  return `${lines.join('\n')}\n`;
}
