/** Get-Help and Get-Command: everything the shell knows of, found by a name, a pattern or a word. */
import { Failure } from '../../../observe/failure.ts';
import { commonParameters } from '../../../management/binding.ts';
import type { CmdletHelp, ParameterHelp } from '../../../management/help.ts';
import type { Catalogue, Entry } from '../catalogue.ts';
import { each, type Item, Line, type Stream, wildcard } from '../items.ts';
import { type LocalCall, type LocalCmdlet, localHelp } from '../local.ts';
import { INTRODUCTION, LANGUAGE } from './help-topics.ts';

/** Text is wrapped to this where no terminal says otherwise. */
const DEFAULT_WIDTH = 100;
const WIDEST = 120;

const getHelp: LocalCmdlet = {
  begins: true,
  help: localHelp({
    name: 'Get-Help',
    aliases: ['help', 'man'],
    synopsis: 'Explains a cmdlet, or finds one.',
    parameters: [
      { name: 'Name', position: 1, help: 'A cmdlet, a pattern such as *pop*, or a word to look for.' },
      { name: 'Examples', kind: 'SwitchParameter', help: 'Only its examples.' },
      { name: 'Full', kind: 'SwitchParameter', aliases: ['Detailed'], help: 'All there is to say.' },
      { name: 'Parameter', help: 'Only the parameters of this name; * for all.' },
    ],
    examples: [
      { line: 'Get-Help Get-History', says: 'What it does and takes.' },
      { line: 'help *-Object', says: 'All cmdlets with such a name.' },
      { line: 'help language', says: 'How lines are written.' },
    ],
  }),
  run: (call) => {
    const name = call.args.text('Name');
    if (name === null) return linesOf(INTRODUCTION);
    if (/^(about_)?language$/i.test(name)) return linesOf(LANGUAGE);
    const entry = call.around.catalogue.find(name);
    if (entry === null) return found(call.around.catalogue, name);
    // So that examples run as they are shown.
    const named = (line: string): string => line.replaceAll('<Server Name>', () => call.around.serverName);
    return linesOf(describe(entry.help, call).map(named));
  },
};

function linesOf(lines: readonly string[]): Stream {
  return { items: each(lines.map((line) => new Line(line))), columns: null };
}

function found(catalogue: Catalogue, word: string): Stream {
  const matches = wildcard(/[*?]/.test(word) ? word : `*${word}*`);
  const byName = catalogue.entries.filter(({ help }) => [help.name, ...help.aliases].some(matches));
  const entries =
    byName.length > 0
      ? byName
      : catalogue.entries.filter(({ help }) =>
          [help.synopsis, help.description, ...help.parameters.map((one) => one.name)].some(matches),
        );
  if (entries.length === 0) throw new Failure('NONEXISTENT', catalogue.unknown(word));
  return {
    items: each(entries.map(({ help }): Item => ({ Name: help.name, Synopsis: help.synopsis }))),
    columns: ['Name', 'Synopsis'],
  };
}

function describe(help: CmdletHelp, call: LocalCall): readonly string[] {
  const width = Math.min(WIDEST, call.around.width ?? DEFAULT_WIDTH);
  const pattern = call.args.text('Parameter');
  if (pattern !== null) return parametersNamed(help, pattern, width);
  if (call.args.on('Examples')) return examples(help, width);
  const full = call.args.on('Full');
  const lines = [help.name, ...wrapped(help.synopsis, width, '  '), ''];
  if (help.aliases.length > 0) lines.push(`Also called ${help.aliases.join(', ')}`, '');
  lines.push(...syntax(help, width), '');
  if (help.description !== '')
    lines.push(...help.description.split('\n').flatMap((one) => wrapped(one, width, '')), '');
  if (full) {
    if (help.parameters.length > 0)
      lines.push('Parameters', ...help.parameters.flatMap((one) => parameter(one, width)), '');
    for (const one of commonParameters(help))
      if (help.roles.length > 0) lines.push(`  -${one.name}`, ...wrapped(one.help, width, '      '));
    if (help.roles.length > 0) lines.push('', `For ${help.roles.join(', ')}`, '');
    lines.push('Examples', ...examples(help, width));
    return lines;
  }
  const [example] = help.examples;
  if (example !== undefined) lines.push('Example', ...exampleLines(example, width), '');
  lines.push(`More: Get-Help ${help.name} -Examples, -Full, or -Parameter NAME`);
  return lines;
}

function syntax(help: CmdletHelp, width: number): readonly string[] {
  const ordered = help.parameters.toSorted((a, b) => (a.position ?? 99) - (b.position ?? 99));
  const parts = ordered.map((one) => {
    const name = one.position === null ? `-${one.name}` : `[-${one.name}]`;
    const whole = one.isSwitch ? `-${one.name}` : `${name} <${one.kind}>`;
    return one.required ? whole : `[${whole}]`;
  });
  if (help.changes) parts.push('[-WhatIf]', '[-Confirm]');
  return wrapped([help.name, ...parts].join('\u0000'), width, '    ', '\u0000');
}

function parameter(one: ParameterHelp, width: number): readonly string[] {
  const facts = [
    one.required ? 'required' : '',
    one.position === null ? '' : `position ${one.position}`,
    one.fromPipeline ? 'taken from the pipeline' : '',
    one.aliases.length > 0 ? `also -${one.aliases.join(', -')}` : '',
  ].filter((fact) => fact !== '');
  const head = `  -${one.name}${one.isSwitch ? '' : ` <${one.kind}>`}${facts.length > 0 ? `   (${facts.join('; ')})` : ''}`;
  const accepts = one.isSwitch ? [] : wrapped(`Takes ${one.accepts}.`, width, '      ');
  return [head, ...wrapped(one.help, width, '      '), ...accepts];
}

function parametersNamed(help: CmdletHelp, pattern: string, width: number): readonly string[] {
  const matches = wildcard(/[*?]/.test(pattern) ? pattern : `${pattern.replace(/^-/, '')}*`);
  const chosen = help.parameters.filter((one) => [one.name, ...one.aliases].some(matches));
  if (chosen.length > 0) return chosen.flatMap((one) => parameter(one, width));
  const all = help.parameters.map((one) => `-${one.name}`).join(', ');
  throw new Failure('NONEXISTENT', `${help.name} has no parameter ${pattern}; it has ${all === '' ? 'none' : all}`);
}

function examples(help: CmdletHelp, width: number): readonly string[] {
  return help.examples.flatMap((example) => exampleLines(example, width));
}

function exampleLines(example: CmdletHelp['examples'][number], width: number): readonly string[] {
  return [`  ${example.line}`, ...wrapped(example.says, width, '      ')];
}

/** Lines no wider than `width`, all with `indent` before them; `between` separates what must not be torn. */
function wrapped(text: string, width: number, indent: string, between = ' '): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(between)) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}

const getCommand: LocalCmdlet = {
  begins: true,
  help: localHelp({
    name: 'Get-Command',
    aliases: ['gcm'],
    synopsis: 'All cmdlets, or those of a name, a verb or a noun.',
    parameters: [
      { name: 'Name', kind: 'String[]', position: 1, help: 'Names or patterns.' },
      { name: 'Verb', kind: 'String[]', help: 'Get, Set, New, …' },
      { name: 'Noun', kind: 'String[]', help: 'Mailbox, PopSettings, …' },
    ],
    examples: [
      { line: 'Get-Command *-Object', says: 'What chooses and sorts.' },
      { line: 'Get-Command -Verb Get', says: 'What only looks.' },
    ],
  }),
  run: (call) => {
    const test = (name: string): ((text: string) => boolean) => {
      const patterns = call.args.list(name);
      if (patterns === null) return () => true;
      const tests = patterns.map((pattern) => wildcard(pattern));
      return (text) => tests.some((matches) => matches(text));
    };
    const [isNamed, isVerb, isNoun] = [test('Name'), test('Verb'), test('Noun')];
    const chosen = call.around.catalogue.entries.filter((entry: Entry) => {
      const [verb = '', noun = ''] = entry.help.name.split('-');
      return [entry.help.name, ...entry.help.aliases].some(isNamed) && isVerb(verb) && isNoun(noun);
    });
    if (chosen.length === 0) throw new Failure('NONEXISTENT', 'no cmdlet has such a name; all there are: Get-Command');
    const objects = chosen.map(
      ({ kind, help }): Item => ({
        Name: help.name,
        Kind: kind === 'local' ? 'Shell' : help.changes ? 'Changes' : 'Reads',
        Synopsis: help.synopsis,
      }),
    );
    return { items: each(objects), columns: ['Name', 'Kind', 'Synopsis'] };
  },
};

export const HELP: readonly LocalCmdlet[] = [getHelp, getCommand];
