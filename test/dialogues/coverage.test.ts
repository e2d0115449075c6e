/**
 * Reads the dialogue scripts and says which command has not been tried in which state: every IMAP command (UID forms
 * count for themselves) and every POP3 command, allowed there or not. A pair counts when the script also expects the
 * tagged answer (IMAP); state follows from what the script sends and expects.
 */
import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { CommandName } from '../../src/imap/grammar/ast.ts';
import type { TransactionCommand } from '../../src/pop3/grammar.ts';
import { parseScript, type Scenario, type Step } from '../support/dialogue-script.ts';

/** RFC 9051 §3; `examined` is selected read-only (§6.3.3), `idle` between IDLE and DONE (§6.3.13). */
const IMAP_STATES = ['not authenticated', 'authenticated', 'selected', 'examined', 'idle'] as const;
type ImapState = (typeof IMAP_STATES)[number];

/** Every command of the grammar; true: there is a UID form. The compiler asks for those that are new. */
const IMAP_COMMANDS: Readonly<Record<CommandName, boolean>> = {
  CAPABILITY: false,
  NOOP: false,
  LOGOUT: false,
  ID: false,
  ENABLE: false,
  STARTTLS: false,
  LOGIN: false,
  AUTHENTICATE: false,
  SELECT: false,
  EXAMINE: false,
  CREATE: false,
  DELETE: false,
  RENAME: false,
  SUBSCRIBE: false,
  UNSUBSCRIBE: false,
  LIST: false,
  LSUB: false,
  NAMESPACE: false,
  GETQUOTA: false,
  GETQUOTAROOT: false,
  SETQUOTA: false,
  STATUS: false,
  APPEND: false,
  IDLE: false,
  CHECK: false,
  CLOSE: false,
  UNSELECT: false,
  EXPUNGE: true,
  COPY: true,
  MOVE: true,
  FETCH: true,
  STORE: true,
  SEARCH: true,
  SORT: true,
  THREAD: true,
};

const POP3_STATES = ['authorization', 'transaction'] as const;
type Pop3State = (typeof POP3_STATES)[number];
const POP3_TRANSACTION: Readonly<Record<Exclude<TransactionCommand['kind'], 'invalid'>, true>> = {
  stat: true,
  list: true,
  retr: true,
  dele: true,
  noop: true,
  rset: true,
  quit: true,
  top: true,
  uidl: true,
  capa: true,
  lang: true,
};
const POP3_AUTHORIZATION = ['USER', 'PASS', 'AUTH', 'APOP', 'STLS', 'UTF8'];

/** `command in state` for each pair some script tries. */
type Tried = Set<string>;
const pair = (command: string, state: string): string => `${command} in ${state}`;

async function scenarios(folder: string): Promise<Array<{ readonly file: string; readonly scenario: Scenario }>> {
  const found: Array<{ file: string; scenario: Scenario }> = [];
  for await (const file of glob('**/*.txt', { cwd: path.join(import.meta.dirname, folder) })) {
    const text = await readFile(path.join(import.meta.dirname, folder, file), 'utf8');
    for (const scenario of parseScript(text, file)) found.push({ file, scenario });
  }
  return found;
}

/** The lines one step sends, nothing for other steps. */
function sentLines(step: Step): string[] {
  if (step.action.kind === 'send') return [step.action.text];
  if (step.action.kind !== 'sendRaw') return [];
  return step.action.text.split(String.raw`\r\n`).filter((line) => line !== '');
}

function tryImap(scenario: Scenario, first: ImapState, tried: Tried): void {
  const states = new Map<number, ImapState>();
  const beforeIdle = new Map<number, { state: ImapState; tag: string }>();
  for (const [at, step] of scenario.steps.entries()) {
    for (const line of sentLines(step)) {
      const state = states.get(step.connection) ?? first;
      const idle = beforeIdle.get(step.connection);
      const [, tag = '', uid = '', verb = ''] = /^(\S+) (UID )?([A-Za-z]+)/i.exec(line) ?? [];
      const name = verb.toUpperCase();
      if (state === 'idle' && idle !== undefined) {
        if (name in IMAP_COMMANDS && answerTo(scenario, at, step.connection, idle.tag) !== null) {
          tried.add(pair(`${uid.toUpperCase()}${name}`, state));
        }
        states.set(step.connection, idle.state);
        continue;
      }
      if (!(name in IMAP_COMMANDS)) continue;
      const answer = answerTo(scenario, at, step.connection, tag);
      if (name === 'IDLE' && state !== 'not authenticated') {
        beforeIdle.set(step.connection, { state, tag });
        states.set(step.connection, 'idle');
      }
      if (answer === null) continue;
      tried.add(pair(`${uid.toUpperCase()}${name}`, state));
      if (state !== 'not authenticated' || answer === 'OK') {
        states.set(step.connection, stateBehind(name, answer, states.get(step.connection) ?? first));
      }
    }
  }
}

/** The condition the script expects for a tag; null when it expects none. */
function answerTo(scenario: Scenario, from: number, connection: number, tag: string): string | null {
  for (const step of scenario.steps.slice(from + 1)) {
    if (step.connection !== connection || step.action.kind !== 'expect') continue;
    const match = /^(\S+) \(?(OK|NO|BAD)/.exec(step.action.text);
    if (match?.[1] === tag) return match[2] ?? null;
  }
  return null;
}

function stateBehind(name: string, answer: string, state: ImapState): ImapState {
  if (name === 'SELECT' || name === 'EXAMINE') {
    // A BAD one was never carried out.
    if (answer === 'BAD') return state;
    if (answer === 'NO') return 'authenticated';
    return name === 'SELECT' ? 'selected' : 'examined';
  }
  if (answer !== 'OK') return state;
  if (name === 'CLOSE' || name === 'UNSELECT') return 'authenticated';
  if (name === 'LOGIN' || name === 'AUTHENTICATE') return 'authenticated';
  return state;
}

function tryPop3(scenario: Scenario, first: Pop3State, tried: Tried): void {
  let state = first;
  for (const step of scenario.steps) {
    for (const line of sentLines(step)) tried.add(pair(line.split(' ')[0]?.toUpperCase() ?? '', state));
    if (step.action.kind === 'expect' && step.action.text.includes('successfully logged on')) state = 'transaction';
  }
}

function missing(commands: readonly string[], states: readonly string[], tried: Tried): string[] {
  return states.flatMap((state) => commands.map((command) => pair(command, state)).filter((each) => !tried.has(each)));
}

test('every IMAP command is tried in every state', async (t) => {
  const tried: Tried = new Set();
  for (const { file, scenario } of await scenarios('imap')) {
    tryImap(scenario, file.startsWith('not-authenticated') ? 'not authenticated' : 'authenticated', tried);
  }
  const commands = Object.entries(IMAP_COMMANDS).flatMap(([name, uid]) => (uid ? [name, `UID ${name}`] : [name]));
  assert.deepEqual(missing(commands, IMAP_STATES, tried), []);
  t.diagnostic(`${commands.length} commands in ${IMAP_STATES.length} states`);
});

test('every POP3 command is tried in every state', async (t) => {
  const tried: Tried = new Set();
  for (const { file, scenario } of await scenarios('pop3')) {
    tryPop3(scenario, file.startsWith('authorization') ? 'authorization' : 'transaction', tried);
  }
  const commands = [...Object.keys(POP3_TRANSACTION).map((kind) => kind.toUpperCase()), ...POP3_AUTHORIZATION];
  assert.deepEqual(missing(commands, POP3_STATES, tried), []);
  t.diagnostic(`${commands.length} commands in ${POP3_STATES.length} states`);
});
