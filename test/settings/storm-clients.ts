/**
 * Clients that work while settings change: each keeps its session from the first moment to the last, checks every
 * answer, and fails when it is sent away or waits too long. Some POP3 clients come and go instead.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { TestUser } from '../support/organization.ts';
import { IMAP_ANSWER, LINE, POP_LIST, say, type SettingsStage, SMTP_REPLY } from './stage.ts';
import type { Talk } from './talk.ts';

/** Milliseconds between two commands of one client: people's programs wait as well. */
const PACE_MS = 80;
/** Commands of a POP3 client before it comes anew. */
const VISIT = 5;

export interface Workload {
  /** Commands that were answered. */
  answered: number;
  /** Sessions that came and went by themselves. */
  visits: number;
}

export interface Working {
  readonly workload: Workload;
  /** Rejects as soon as one client is disturbed; resolves when all have left after `stop`. */
  readonly done: Promise<void>;
  stop(): void;
}

interface Shift {
  readonly stage: SettingsStage;
  readonly user: TestUser;
  readonly workload: Workload;
  readonly stop: AbortSignal;
}

/** Resolves when all have logged on: a third idles, a third works with IMAP4, the others with POP3 and SMTP. */
export async function startClients(
  stage: SettingsStage,
  users: readonly TestUser[],
  clients: number,
): Promise<Working> {
  const kinds = [idling, imapWorking, idling, imapWorking, pop3Working, smtpWorking, idling, imapWorking, pop3Visiting];
  const workload: Workload = { answered: 0, visits: 0 };
  const stop = new AbortController();
  const working: Array<Promise<void>> = [];
  for (let at = 0; at < clients; at += 1) {
    const user = users[at % users.length];
    const kind = kinds[at % kinds.length];
    if (user === undefined || kind === undefined) throw new Error('there is nobody to work');
    const begun = await kind({ stage, user, workload, stop: stop.signal });
    working.push(
      begun().catch((error: unknown) => {
        throw new Error(`client ${at} (${kind.name}): ${String(error)}`, { cause: error });
      }),
    );
  }
  const done = Promise.all(working).then(() => undefined);
  // Awaited at the end; a rejection before that is not unhandled.
  done.catch(() => stop.abort());
  return { workload, done, stop: () => stop.abort() };
}

type Begun = () => Promise<void>;

async function untilStop({ stop, workload }: Shift, step: (round: number) => Promise<unknown>): Promise<void> {
  for (let round = 0; !stop.aborted; round += 1) {
    await step(round);
    workload.answered += 1;
    await delay(PACE_MS);
  }
}

async function leave(talk: Talk, farewell: string): Promise<void> {
  talk.send(`${farewell}\r\n`);
  const said = await talk.rest();
  if (!/(?:OK|221)/.test(said)) throw new Error(`no farewell: ${said}`);
}

const COMMANDS = [
  'NOOP',
  'STATUS INBOX (MESSAGES UNSEEN)',
  'UID SEARCH ALL',
  'LIST "" *',
  'FETCH 1:* (FLAGS)',
  'CAPABILITY',
];

async function imapWorking(shift: Shift): Promise<Begun> {
  const talk = await shift.stage.imap(shift.user);
  await say(talk, 'a SELECT INBOX', IMAP_ANSWER, /^a OK/m);
  return async () => {
    await untilStop(shift, (round) => say(talk, `a ${COMMANDS[round % COMMANDS.length]}`, IMAP_ANSWER, /^a OK/m));
    await leave(talk, 'a LOGOUT');
  };
}

async function idling(shift: Shift): Promise<Begun> {
  const talk = await shift.stage.imap(shift.user);
  await say(talk, 'a SELECT INBOX', IMAP_ANSWER, /^a OK/m);
  return async () => {
    await untilStop(shift, async () => {
      await say(talk, 'a IDLE', /^\+ .*\r\n/m, /^\+ /m);
      for (let quiet = 0; quiet < 5 && !shift.stop.aborted; quiet += 1) await delay(PACE_MS);
      await say(talk, 'DONE', IMAP_ANSWER, /^a OK/m);
    });
    await leave(talk, 'a LOGOUT');
  };
}

async function pop3Working(shift: Shift): Promise<Begun> {
  const talk = await shift.stage.pop(shift.user);
  return async () => {
    await untilStop(shift, (round) =>
      round % 2 === 0 ? say(talk, 'STAT', LINE, /^\+OK/) : say(talk, 'UIDL', POP_LIST, /^\+OK/),
    );
    await leave(talk, 'QUIT');
  };
}

/** New sessions meet every setting as it is just then. */
async function pop3Visiting(shift: Shift): Promise<Begun> {
  const first = await shift.stage.pop(shift.user);
  return async () => {
    let talk = first;
    await untilStop(shift, async (round) => {
      if (round % VISIT === VISIT - 1) {
        await leave(talk, 'QUIT');
        talk = await shift.stage.pop(shift.user);
        shift.workload.visits += 1;
      }
      await say(talk, 'LIST', POP_LIST, /^\+OK/);
    });
    await leave(talk, 'QUIT');
  };
}

async function smtpWorking(shift: Shift): Promise<Begun> {
  const talk = await shift.stage.smtp();
  const message = `Subject: storm\r\n\r\n${'text '.repeat(20)}\r\n.`;
  return async () => {
    await untilStop(shift, async (round) => {
      await say(talk, 'MAIL FROM:<a@b.example>', SMTP_REPLY, /^250/);
      await say(talk, `RCPT TO:<${shift.user.address}>`, SMTP_REPLY, /^250/);
      if (round % 10 !== 0) return say(talk, 'RSET', SMTP_REPLY, /^250/);
      await say(talk, 'DATA', SMTP_REPLY, /^354/);
      return say(talk, message, SMTP_REPLY, /^250/);
    });
    await leave(talk, 'QUIT');
  };
}
