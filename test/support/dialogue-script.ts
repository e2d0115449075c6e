/**
 * Reads dialogue scripts: what a client sends, what a server must answer, and the mailbox it happens on, as plain
 * text that people can read beside the RFC. Protocol-free: IMAP, POP3 and SMTP use the same form.
 *
 *   # comment                     ignored, as are empty lines
 *   --- title                     begins a scenario: own mailbox, own connections
 *   folder Work/2026              set-up lines, up to the first C: or S: line
 *   folder Sent2 use=sent
 *   message INBOX flags=\Seen,$Todo date=2026-01-02T03:04:05Z
 *   | Subject: hello              the message above, line by line with CRLF
 *   |
 *   | text
 *   literal note                  bytes to be sent later, line by line with CRLF
 *   | Subject: note
 *   C: a1 NOOP                    sent with CRLF; `C2:` is a second connection, opened on first use
 *   C: a2 APPEND INBOX {@note}    {@note} is replaced by {size}, {@note+} by {size+}
 *   C< note                       sends the bytes of the literal and nothing else
 *   C> abc\r\n                    sends exactly this, \r \n \t \0 and \\ escaped
 *   C!                            closes the connection
 *   S: a1 OK NOOP completed.      the next line must be this
 *   S:~ \* OK \[UIDVALIDITY (?<v>\d+)\].*   the next line must match; named groups become %{v} in later lines
 *   S:* a1 OK done                skips lines until this one
 *   S:*~ a1 OK .*                 skips lines until one matches
 *   S!                            the server closes the connection
 */
export interface Scenario {
  readonly title: string;
  readonly line: number;
  readonly setUp: readonly SetUp[];
  readonly literals: ReadonlyMap<string, Buffer>;
  readonly steps: readonly Step[];
}

export type SetUp =
  | { readonly kind: 'folder'; readonly name: string; readonly options: ReadonlyMap<string, string> }
  | {
      readonly kind: 'message';
      readonly folder: string;
      readonly options: ReadonlyMap<string, string>;
      readonly bytes: Buffer;
    };

export interface Step {
  readonly line: number;
  readonly connection: number;
  readonly action:
    | { readonly kind: 'send'; readonly text: string }
    | { readonly kind: 'sendRaw'; readonly text: string }
    | { readonly kind: 'sendLiteral'; readonly name: string }
    | { readonly kind: 'hangUp' }
    | { readonly kind: 'expect'; readonly text: string; readonly regex: boolean; readonly skip: boolean }
    | { readonly kind: 'expectClose' };
}

const STEP = /^([CS])(\d*)([:<>!])([*~]{0,2})(?: (.*))?$/;

/** @throws Error naming file and line for anything it cannot read */
export function parseScript(text: string, file: string): Scenario[] {
  const scenarios: Scenario[] = [];
  let open: Open | null = null;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1;
    const wrong = (why: string): Error => new Error(`${file}:${line}: ${why}: ${raw}`);
    if (raw.startsWith('|')) {
      const block = open === null ? null : open.block;
      if (block === null) throw wrong('no message or literal is open');
      block.push(raw.slice(raw.startsWith('| ') ? 2 : 1));
      continue;
    }
    if (raw.trim() === '' || raw.startsWith('#')) continue;
    if (raw.startsWith('---')) {
      if (open !== null) scenarios.push(finish(open));
      open = { title: raw.slice(3).trim(), line, setUp: [], literals: new Map(), steps: [], block: null };
      continue;
    }
    if (open === null) throw wrong('a script begins with --- title');
    const step = STEP.exec(raw);
    if (step === null) readSetUp(open, raw, wrong);
    else open.steps.push(readStep(step, line, wrong));
  }
  if (open !== null) scenarios.push(finish(open));
  return scenarios;
}

interface Open {
  readonly title: string;
  readonly line: number;
  readonly setUp: Array<{ kind: 'folder' | 'message'; name: string; options: Map<string, string>; lines: string[] }>;
  readonly literals: Map<string, string[]>;
  readonly steps: Step[];
  block: string[] | null;
}

function finish(open: Open): Scenario {
  return {
    title: open.title,
    line: open.line,
    setUp: open.setUp.map((each) =>
      each.kind === 'folder'
        ? { kind: 'folder', name: each.name, options: each.options }
        : { kind: 'message', folder: each.name, options: each.options, bytes: joined(each.lines) },
    ),
    literals: new Map([...open.literals].map(([name, lines]) => [name, joined(lines)])),
    steps: open.steps,
  };
}

const joined = (lines: readonly string[]): Buffer => Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'utf8');

function readSetUp(open: Open, raw: string, wrong: (why: string) => Error): void {
  const [word, ...rest] = raw.split(' ');
  if (word === 'literal' && rest[0] !== undefined) {
    open.block = [];
    open.literals.set(rest[0], open.block);
    return;
  }
  if (open.steps.length > 0) throw wrong('set-up behind the first step, or no step');
  if (word !== 'folder' && word !== 'message') throw wrong('neither set-up nor step');
  const options = new Map<string, string>();
  while (rest.length > 1 && /^[a-z]+=/.test(rest[rest.length - 1] ?? '')) {
    const [name = '', ...value] = (rest.pop() ?? '').split('=');
    options.set(name, value.join('='));
  }
  const lines: string[] = [];
  open.setUp.push({ kind: word, name: rest.join(' '), options, lines });
  open.block = word === 'message' ? lines : null;
}

function readStep(match: RegExpExecArray, line: number, wrong: (why: string) => Error): Step {
  const [, side, digits = '', sign, marks = '', text = ''] = match;
  const connection = digits === '' ? 1 : Number(digits);
  const action = ((): Step['action'] | null => {
    if (side === 'C' && marks === '') {
      if (sign === ':') return { kind: 'send', text };
      if (sign === '>') return { kind: 'sendRaw', text };
      if (sign === '<') return { kind: 'sendLiteral', name: text };
      if (sign === '!') return { kind: 'hangUp' };
    }
    if (side === 'S' && sign === ':') {
      return { kind: 'expect', text, regex: marks.includes('~'), skip: marks.includes('*') };
    }
    return side === 'S' && sign === '!' ? { kind: 'expectClose' } : null;
  })();
  if (action === null) throw wrong('no such step');
  return { line, connection, action };
}
