/**
 * TOML text → Configuration. Every mistake is named with the key it is about, what was found, and what may stand
 * there; a key that does not exist is refused together with the nearest one that does.
 */
import { readFile } from 'node:fs/promises';
import { parse, TomlError } from 'smol-toml';
import * as v from 'valibot';
import { nearestName } from './nearest-name.ts';
import { type Configuration, configurationKeys, configurationSchema, RETIRED_KEYS } from './schema.ts';

export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly problems: readonly string[];

  constructor(source: string, problems: readonly string[]) {
    super(`${source}: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/** @throws ConfigurationError */
export function parseConfiguration(text: string, source: string): Configuration {
  let table: unknown;
  try {
    table = withoutEmptied(parse(text));
  } catch (error) {
    if (error instanceof TomlError) {
      throw new ConfigurationError(source, [`line ${error.line}, column ${error.column}: ${firstLine(error.message)}`]);
    }
    throw error;
  }
  const strangers = unknownKeys(table);
  if (strangers.length > 0) throw new ConfigurationError(source, strangers);
  const result = v.safeParse(configurationSchema, table);
  if (result.success) return result.output;
  throw new ConfigurationError(source, result.issues.map(explain));
}

/** A missing file means all defaults. @throws ConfigurationError */
export async function readConfiguration(file: string): Promise<Configuration> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') text = '';
    else throw error;
  }
  return parseConfiguration(text, file);
}

export function defaultConfiguration(): Configuration {
  return parseConfiguration('', 'defaults');
}

/** Setup of an earlier version wrote the headings of all sections, of retired ones, too: without a key they say nothing. */
function withoutEmptied(table: object): object {
  const retired = [...RETIRED_KEYS.keys()].map((key) => key.split('.')[0]);
  const sections = new Set(configurationKeys().map((key) => key.section));
  return Object.fromEntries(
    entriesOf(table).filter(
      ([section, value]) => sections.has(section) || !retired.includes(section) || !isEmptySection(value),
    ),
  );
}

const isEmptySection = (value: unknown): boolean => typeof value === 'object' && entriesOf(value).length === 0;

function unknownKeys(table: unknown): string[] {
  const keys = configurationKeys();
  const sections = new Set(keys.map((key) => key.section));
  const problems: string[] = [];
  for (const [section, value] of entriesOf(table)) {
    const retired = entriesOf(value).flatMap(([key]) => {
      const instead = RETIRED_KEYS.get(`${section}.${key}`);
      return instead === undefined ? [] : [`\`${section}.${key}\` is gone: ${instead}`];
    });
    problems.push(...retired);
    if (!sections.has(section)) {
      if (retired.length > 0) continue;
      // A key written outside its section is the most common mistake: say where it belongs.
      const home = keys.find((key) => key.key === section);
      const near = nearestName(section, sections);
      if (home !== undefined) problems.push(`\`${section}\` belongs below [${home.section}]`);
      else problems.push(`there is no section [${section}]${near === null ? '' : `, did you mean [${near}]?`}`);
      continue;
    }
    const known = keys.filter((key) => key.section === section).map((key) => key.key);
    for (const [key] of entriesOf(value)) {
      if (known.includes(key)) continue;
      const near =
        nearestName(key, known) ??
        nearestName(
          key,
          keys.map((other) => `${other.section}.${other.key}`),
        );
      problems.push(
        `there is no key \`${section}.${key}\`${near === null ? '' : `, did you mean \`${near}\`?`} Known here: ${known.join(', ')}`,
      );
    }
  }
  return problems;
}

function entriesOf(value: unknown): Array<[string, unknown]> {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function explain(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? '';
  const key = configurationKeys().find((known) => `${known.section}.${known.key}` === path);
  if (key === undefined) return `\`${path}\` must be a section, written [${path}]`;
  const range = key.range === '' ? '' : ` (${key.range})`;
  return `\`${path}\` is ${issue.received}, must be ${key.type}${range}`;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}
