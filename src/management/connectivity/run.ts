/**
 * One connectivity test as a cmdlet or a health probe asks for it: submits, finds, deletes; says how long it took and
 * what failed, in the columns Exchange has (exchange-behaviour.md §10).
 */
import { randomUUID } from 'node:crypto';
import { probeImap } from './imap-probe.ts';
import type { ProbeTarget } from './line-client.ts';
import { probePop } from './pop-probe.ts';
import { ProbeError } from './probe-error.ts';
import type { ProbeCredential, TestMessage } from './probe.ts';
import { probeSmtp } from './smtp-probe.ts';
import { withEitherTrust } from './trust.ts';

export type ProbedProtocol = 'imap' | 'pop3' | 'smtp';

export interface ConnectivityTest {
  readonly protocol: ProbedProtocol;
  readonly target: ProbeTarget;
  /** Where the test message is submitted; null: LightMode, logon only. */
  readonly submission: ProbeTarget | null;
  readonly credential: ProbeCredential;
  /** Address of the mailbox; the test message is from it and to it. */
  readonly address: string;
  readonly perConnectionTimeoutMs: number;
  readonly timeoutMs: number;
  /** Of whoever asks. */
  readonly signal?: AbortSignal;
}

export interface ConnectivityResult {
  readonly result: 'Success' | 'Failure';
  readonly latencyMs: number;
  /** Empty when it went well. */
  readonly error: string;
}

/** Never rejects for what a server does; with the reason of `signal` when that is aborted. */
export async function testConnectivity(test: ConnectivityTest): Promise<ConnectivityResult> {
  const started = performance.now();
  const done = (error: string): ConnectivityResult => ({
    result: error === '' ? 'Success' : 'Failure',
    latencyMs: performance.now() - started,
    error,
  });
  try {
    await run(test);
    return done('');
  } catch (error) {
    if (error instanceof ProbeError) return done(error.message);
    throw error;
  }
}

async function run(test: ConnectivityTest): Promise<void> {
  const { protocol, submission, credential, address, perConnectionTimeoutMs, timeoutMs, signal } = test;
  const message: TestMessage | null = submission === null ? null : { id: randomUUID() };
  const common = { credential, perConnectionTimeoutMs, timeoutMs, signal };
  if (submission !== null)
    await withEitherTrust(submission, (target) => probeSmtp({ ...common, target, message, address }));
  await withEitherTrust(test.target, async (target) => {
    switch (protocol) {
      case 'imap':
        return probeImap({ ...common, target, message });
      case 'pop3':
        return probePop({ ...common, target, message });
      case 'smtp':
        return submission === null ? probeSmtp({ ...common, target, message: null, address }) : undefined;
    }
  });
}
