/** `penfold shell` at a terminal: read a line, run it, say what came of it, until Ctrl-D. */
import type { OpenDoor } from '../../main/door.ts';
import { EXIT } from '../output.ts';
import { TerminalConsole } from './console.ts';
import { complete } from './completion.ts';
import { isIncomplete } from './grammar/parser.ts';
import { History, historyFile } from './history.ts';
import type { Answer } from './pipeline.ts';
import { ShellSession } from './session.ts';
import { readAt, Terminal } from './terminal.ts';

/** Resolves with the exit code. */
export async function interactiveShell(door: OpenDoor, version: string): Promise<number> {
  const console = new TerminalConsole();
  const history = await History.open(historyFile());
  let running: AbortController | null = null;
  let buffer = '';
  const session: ShellSession = await ShellSession.open({
    door,
    console,
    serverName: door.server.name,
    history: () => history.lines,
    confirm: (what) => question(what),
    read: (prompt, how) => readAt(terminal, prompt, how),
  });
  const terminal = new Terminal({
    input: process.stdin,
    output: process.stdout,
    history: () => history.lines,
    complete: async (line) => {
      const completion = await complete(buffer + line, {
        catalogue: session.catalogue,
        variableNames: () => session.variableNames(),
        propertiesOf: (cmdlet) => session.propertiesOf(cmdlet),
        complete: (...words) => door.complete(...words),
      });
      return { ...completion, from: completion.from - buffer.length };
    },
    onInterrupt: () => {
      buffer = '';
      running?.abort();
    },
  });
  const question = async (what: string): Promise<Answer> => {
    await console.write(`${console.paint('bold', 'Are you sure?')} ${what}`);
    for (;;) {
      const line = await terminal.line('[Y] Yes  [A] Yes to all  [N] No (default): ');
      const answer = (line ?? '').trim().toLowerCase();
      if (running?.signal.aborted === true || line === null || /^(n|no|)$/.test(answer)) return 'no';
      if (/^y(es)?$/.test(answer)) return 'yes';
      if (/^a(ll)?$/.test(answer)) return 'all';
    }
  };

  for (const line of banner(version, door.server.name, await door.isServed())) await console.write(line);
  const prompt = `[penfold ${door.server.name}]> `;
  try {
    while (session.leaving === null) {
      const line = await terminal.line(buffer === '' ? prompt : '>> ');
      if (line === null) {
        await console.write('');
        break;
      }
      if (buffer === '' && line.trim() === '') continue;
      buffer += line;
      // An empty line ends what is incomplete: its mistake is then told.
      if (line.trim() !== '' && isIncomplete(buffer)) {
        buffer += '\n';
        continue;
      }
      const text = buffer;
      buffer = '';
      history.add(text, session.catalogue);
      terminal.refreshHistory();
      running = new AbortController();
      console.begin();
      try {
        const before = console.written;
        await session.run(text, running.signal);
        // Results stand apart from the next prompt.
        if (console.written > before) await console.write('');
      } catch (error) {
        if (running.signal.aborted) console.warn('stopped; what was done before stays done');
        else console.error(error, text);
      } finally {
        running = null;
      }
    }
    return session.leaving ?? EXIT.done;
  } finally {
    terminal.close();
    await history.save();
  }
}

function banner(version: string, server: string, isServed: boolean): readonly string[] {
  return [
    `Penfold ${version}, admin shell of server ${server}${isServed ? '' : ' (which does not run now: penfold serve)'}`,
    '',
    'Three things to try:',
    '  help *mailbox*                   finds cmdlets; Tab completes names, parameters and values',
    '  Get-Service | Format-Table       looks; a cmdlet that changes something first tells with -WhatIf',
    '  help Set-PopSettings -Examples   shows how',
    '',
  ];
}
