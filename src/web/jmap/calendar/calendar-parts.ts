/** What the methods of the calendar work with. */
import type { Calendars } from '../../../calendar/calendar-folder.ts';
import { personOf } from '../../../calendar/delivered-invitations.ts';
import type { Actor, EventDesk } from '../../../calendar/event-desk.ts';
import type { Person } from '../../../calendar/itip.ts';
import type { Zone } from '../../../calendar/zones.ts';
import type { MethodArguments } from '../arguments.ts';
import type { JmapContext } from '../capability.ts';
import type { OpenAccount } from '../mail/context.ts';
import { MethodError } from '../method-error.ts';
import { readerZone } from './event-input.ts';

export interface CalendarParts {
  readonly calendars: Calendars;
  readonly desk: EventDesk;
}

export const actorOf = (context: JmapContext, account: OpenAccount): Actor => ({
  mailbox: account.mailbox,
  stage: (options) => account.stage(options),
  owner: account.owner,
  user: context.user,
  remoteAddress: context.remoteAddress,
});

export const readerOf = ({ owner }: OpenAccount): Person => personOf(owner);

/** Zone of floating times and of `after` and `before`. @throws MethodError */
export function zoneOf(args: MethodArguments): Zone {
  const zone = readerZone(args.optionalText('timeZone'));
  if (zone === null) throw new MethodError('invalidArguments', 'timeZone is no time zone of the IANA database');
  return zone;
}
