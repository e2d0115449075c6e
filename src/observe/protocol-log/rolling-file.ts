/**
 * A log file that begins anew by time or size and is thrown away by age and total size (exchange-behaviour.md §5.10;
 * Exchange has no cap for POP3 and IMAP4 logs, which fills disks: §13). Lines are gathered and written in the
 * background; a disk that is full or gone costs lines, never a session. Knows no protocol.
 */
import { appendFile, mkdir, readdir, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { tally } from '../metrics/tally.ts';

export type RollOver = 'Hourly' | 'Daily' | 'Weekly' | 'Monthly';

export interface RollingFileSettings {
  /** Absolute. */
  readonly directory: string;
  /** File names begin with it: `IMAP4` → `IMAP420261123-1.LOG`. */
  readonly prefix: string;
  readonly rollOver: RollOver;
  /** Bytes at which a new file is begun; 0: by time; Infinity: one file for ever. */
  readonly perFileQuota: number;
  /** Seconds after its last line that a file is kept; 0: for ever. */
  readonly maxAge: number;
  /** Bytes of all files of this prefix; the oldest go first. Infinity: no cap. */
  readonly maxDirectorySize: number;
}

/** Text in memory that waits for the disk; what comes above it is dropped and counted. */
const PENDING_BYTES = 4 * 1024 * 1024;
const FLUSH_MS = 500;
const SWEEP_MS = 60 * 60 * 1000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface RollingFileOptions {
  /** First lines of every file. */
  readonly header: (now: Date, format: string) => string;
  readonly settings: () => RollingFileSettings;
  /** Called once per spell of trouble, with how many lines it cost so far. */
  readonly onTrouble: (error: unknown, dropped: number) => void;
  readonly now?: () => number;
}

/** Lines of one look. */
interface Batch {
  readonly format: string;
  readonly lines: string[];
}

interface Current {
  readonly file: string;
  readonly directory: string;
  readonly period: string;
  readonly format: string;
  size: number;
}

export class RollingFile {
  readonly #options: RollingFileOptions;
  readonly #now: () => number;
  #pending: Batch[] = [];
  #pendingBytes = 0;
  #dropped = 0;
  #troubled = false;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #current: Current | null = null;
  #sweptAt = 0;
  /** Caps of the latest sweep: others count at once, not an hour later. */
  #sweptBy = '';

  constructor(options: RollingFileOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Never waits, never throws. `line` without its end. `format` says how it looks: another one begins a new file,
   * unless one file is wanted for ever.
   */
  write(line: string, format = ''): void {
    if (this.#pendingBytes + line.length > PENDING_BYTES) {
      this.#drop(1);
      return;
    }
    const last = this.#pending.at(-1);
    if (last?.format === format) last.lines.push(line);
    else this.#pending.push({ format, lines: [line] });
    this.#pendingBytes += line.length + 2;
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => void this.flush(), FLUSH_MS);
    this.#timer.unref();
  }

  /** What was written before the call is in the file, or lost and reported, when it resolves. */
  flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#writing = this.#writing.then(() => this.#writePending());
    return this.#writing;
  }

  async #writePending(): Promise<void> {
    const batches = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    for (const batch of batches) await this.#writeBatch(batch);
  }

  async #writeBatch({ lines, format }: Batch): Promise<void> {
    try {
      const settings = this.#options.settings();
      const current = await this.#fileFor(settings, format);
      const text = `${lines.join('\r\n')}\r\n`;
      await appendFile(current.file, text, { mode: 0o640 });
      current.size += Buffer.byteLength(text);
      this.#troubled = false;
      if (this.#now() - this.#sweptAt > SWEEP_MS || this.#sweptBy !== capsOf(settings)) await this.#sweep(settings);
    } catch (error) {
      this.#drop(lines.length);
      this.#current = null;
      if (!this.#troubled) this.#options.onTrouble(error, this.#dropped);
      this.#troubled = true;
    }
  }

  #drop(lines: number): void {
    this.#dropped += lines;
    tally.logLinesDropped.add([this.#options.settings().prefix], lines);
  }

  async #fileFor(settings: RollingFileSettings, format: string): Promise<Current> {
    const { directory, perFileQuota, prefix } = settings;
    const period = perFileQuota === 0 ? periodOf(settings.rollOver, this.#now()) : dayOf(this.#now());
    const current = this.#current;
    const reformatted = current !== null && current.format !== format;
    const begins =
      perFileQuota === 0
        ? reformatted || current?.period !== period
        : perFileQuota !== Infinity && current !== null && (reformatted || current.size >= perFileQuota);
    if (current !== null && current.directory === directory && !begins) return current;
    await mkdir(directory, { recursive: true, mode: 0o750 });
    const name = perFileQuota === Infinity ? `${prefix}.LOG` : await this.#nextName(settings, period, reformatted);
    const file = path.join(directory, name);
    let size = await sizeOf(file);
    if (size === 0) {
      const header = this.#options.header(new Date(this.#now()), format);
      await appendFile(file, header, { mode: 0o640 });
      size = Buffer.byteLength(header);
    }
    this.#current = { file, directory, period, format, size };
    await this.#sweep(settings);
    return this.#current;
  }

  /** The latest file of the period when it has room (a restart goes on in it), else the number behind it. */
  async #nextName(
    { directory, prefix, perFileQuota }: RollingFileSettings,
    period: string,
    anew: boolean,
  ): Promise<string> {
    const pattern = new RegExp(`^${prefix}${period}-(\\d+)\\.LOG$`);
    const numbers = (await readdir(directory)).map((name) => Number(pattern.exec(name)?.[1] ?? 0));
    const last = numbers.reduce((highest, n) => Math.max(highest, n), 0);
    const lastName = `${prefix}${period}-${last}.LOG`;
    const full = perFileQuota > 0 && (await sizeOf(path.join(directory, lastName))) >= perFileQuota;
    return last === 0 || full || anew ? `${prefix}${period}-${last + 1}.LOG` : lastName;
  }

  async #sweep(settings: RollingFileSettings): Promise<void> {
    this.#sweptAt = this.#now();
    this.#sweptBy = capsOf(settings);
    const { directory, prefix, maxAge, maxDirectorySize } = settings;
    const files: Array<{ file: string; size: number; at: number }> = [];
    for (const name of await readdir(directory)) {
      // Nothing but our own names is ever deleted: an admin may point LogFileLocation anywhere.
      if (!name.startsWith(prefix) || !/^\d{6,10}-\d+\.LOG$/.test(name.slice(prefix.length))) continue;
      const file = path.join(directory, name);
      const { size, mtimeMs } = await stat(file);
      files.push({ file, size, at: mtimeMs });
    }
    files.sort((a, b) => b.at - a.at);
    let total = 0;
    for (const { file, size, at } of files) {
      total += size;
      if (file === this.#current?.file) continue;
      const old = maxAge > 0 && this.#now() - at > maxAge * 1000;
      if (old || total > maxDirectorySize) await unlink(file);
    }
  }
}

const capsOf = ({ maxAge, maxDirectorySize }: RollingFileSettings): string => `${maxAge} ${maxDirectorySize}`;

const two = (n: number): string => String(n).padStart(2, '0');

function dayOf(ms: number): string {
  const date = new Date(ms);
  return `${date.getUTCFullYear()}${two(date.getUTCMonth() + 1)}${two(date.getUTCDate())}`;
}

/** Name of the hour, day, week (its Monday) or month, in UTC as the lines are. */
export function periodOf(rollOver: RollOver, ms: number): string {
  switch (rollOver) {
    case 'Hourly':
      return `${dayOf(ms)}${two(new Date(ms).getUTCHours())}`;
    case 'Daily':
      return dayOf(ms);
    case 'Weekly':
      return dayOf(ms - ((new Date(ms).getUTCDay() + 6) % 7) * DAY_MS);
    case 'Monthly':
      return dayOf(ms).slice(0, 6);
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return 0;
    throw error;
  }
}
