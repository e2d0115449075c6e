/** Submits the test message by authenticated SMTP as a client would (exchange-behaviour.md §10; RFC 6409). */
import { Buffer } from 'node:buffer';
import { LineClient } from './line-client.ts';
import { answered, ProbeError } from './probe-error.ts';
import { type ProbeOptions, subjectOf } from './probe.ts';

export interface SmtpProbeOptions extends ProbeOptions {
  /** The mailbox writes to itself. */
  readonly address: string;
}

/** Null message: logs on and leaves. @throws ProbeError */
export async function probeSmtp(options: SmtpProbeOptions): Promise<void> {
  const { target, credential, message, address } = options;
  const client = await LineClient.connect(target, options.perConnectionTimeoutMs, options);
  try {
    await expect(client, '220');
    options.onStep?.('greeting');
    let offered = await command(client, 'EHLO localhost', '250');
    if (target.connectionType === 'Tls') {
      await command(client, 'STARTTLS', '220');
      await client.startTls();
      offered = await command(client, 'EHLO localhost', '250');
    }
    if (!/AUTH.*PLAIN/i.test(offered)) throw new ProbeError('the server offers no AUTH PLAIN on this connection');
    const plain = Buffer.from(`\0${credential.user}\0${credential.password}`).toString('base64');
    await options.beforeLogon?.();
    await command(client, `AUTH PLAIN ${plain}`, '235');
    options.onStep?.('logon');
    if (message !== null) {
      await command(client, `MAIL FROM:<${address}>`, '250');
      await command(client, `RCPT TO:<${address}>`, '250');
      await command(client, 'DATA', '354');
      const lines = [
        `From: <${address}>`,
        `To: <${address}>`,
        `Subject: ${subjectOf(message)}`,
        `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
        'Auto-Submitted: auto-generated',
        '',
        'This message tests whether mail arrives. It is deleted when it has.',
        '.',
      ];
      await command(client, lines.join('\r\n'), '250');
    }
    await command(client, 'QUIT', '221');
  } finally {
    client.close();
  }
}

async function command(client: LineClient, line: string, code: string): Promise<string> {
  client.send(line);
  return expect(client, code);
}

/** All lines of the reply (RFC 5321 §4.2.1). */
async function expect(client: LineClient, code: string): Promise<string> {
  const lines: string[] = [];
  for (;;) {
    const line = await client.line();
    lines.push(line);
    if (line[3] === '-') continue;
    if (!line.startsWith(code)) throw answered('SMTP', lines.join(' '));
    return lines.join('\n');
  }
}
