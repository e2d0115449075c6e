/** Sending by JMAP on a running server: the spool of what waits, its records, the rates it shares with SMTP. */
import type { DataLayout } from '../config/data-directory.ts';
import type { Directory } from '../directory/api.ts';
import type { Server } from '../directory/model.ts';
import type { Log } from '../observe/log.ts';
import type { RateLimiter } from '../smtp/server/rate-limit.ts';
import { HeldMailSpool } from '../transport/held/held-mail.ts';
import { Submissions } from '../web/jmap/submission/submissions.ts';
import type { SubmissionParts } from '../web/jmap/submission/submitting.ts';
import type { OpenTransport } from './transport.ts';

export interface OpenSubmission {
  readonly parts: SubmissionParts;
  /** From here on what is due goes out. */
  start(): void;
  close(): Promise<void>;
}

export async function openSubmission(parts: {
  readonly directory: Directory;
  readonly server: Server;
  readonly layout: DataLayout;
  readonly mail: OpenTransport;
  readonly rates: RateLimiter;
  readonly log: Log;
}): Promise<OpenSubmission> {
  const { directory, server, layout, rates, log } = parts;
  const { transport } = parts.mail;
  const spool = await HeldMailSpool.open({ directory: layout.held, transport, serverName: server.fqdn, log });
  const submissions = new Submissions(spool);
  return {
    parts: { directory, transport, spool, submissions, rates, serverName: server.fqdn, now: Date.now },
    start: () => spool.start(),
    close: async () => {
      submissions.close();
      await spool.close();
    },
  };
}
