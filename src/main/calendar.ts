/** The calendars of a running server: what people do with events, and the scheduling mail that comes of it. */
import { EventDesk } from '../calendar/event-desk.ts';
import { ImipSender } from '../calendar/imip-sending.ts';
import type { Directory } from '../directory/api.ts';
import type { Server } from '../directory/model.ts';
import type { Log } from '../observe/log.ts';
import type { RateLimiter } from '../smtp/server/rate-limit.ts';
import type { CalendarParts } from '../web/jmap/calendar/calendar-parts.ts';
import type { OpenTransport } from './transport.ts';

export function openCalendar(parts: {
  readonly directory: Directory;
  readonly server: Server;
  readonly mail: OpenTransport;
  /** Of people. */
  readonly rates: RateLimiter;
  readonly log: Log;
}): CalendarParts {
  const { directory, server, mail, rates, log } = parts;
  const { calendars, transport } = mail;
  const sender = new ImipSender({ directory, transport, rates, serverName: server.fqdn, log });
  return { calendars, desk: new EventDesk(calendars, sender) };
}
