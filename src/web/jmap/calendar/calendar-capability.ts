/** The calendar as a JMAP capability of our own (ADR 12 §2): what it says of itself, its methods, what it pushes. */
import { calendarState, stateText } from '../../../calendar/calendar-folder.ts';
import type { Capability } from '../capability.ts';
import type { CalendarParts } from './calendar-parts.ts';
import { DESCRIPTION_CHARACTERS, PARTICIPANTS } from './event-input.ts';
import { eventMethods } from './event-methods.ts';
import { EXPANDED_DAYS } from './event-query.ts';
import { invitationMethods } from './invitation-methods.ts';
import { CALENDAR, CALENDAR_EVENT } from './names.ts';

export function calendarCapability(parts: CalendarParts): Capability {
  return {
    uri: CALENDAR,
    describe: () => Promise.resolve({}),
    describeAccount: ({ owner }) =>
      Promise.resolve(
        owner.mailbox === null
          ? null
          : {
              maxExpandedQueryDuration: `P${EXPANDED_DAYS}D`,
              maxParticipantsPerEvent: PARTICIPANTS,
              maxDescriptionCharacters: DESCRIPTION_CHARACTERS,
            },
      ),
    methods: [...eventMethods(parts), ...invitationMethods(parts)],
    mailboxPush: {
      types: [CALENDAR_EVENT],
      states: (mailbox) => Promise.resolve({ [CALENDAR_EVENT]: stateText(calendarState(mailbox)) }),
    },
  };
}
