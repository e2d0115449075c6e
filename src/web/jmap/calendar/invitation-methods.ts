/**
 * Invitations: `CalendarEvent/ofEmail` tells what a mail asks and which event it is about, `CalendarEvent/respond`
 * answers its organizer (RFC 5546 §3.2.3). Both work also when the item is not in the calendar (any more): what the
 * mail says is told then, and an answer brings it back.
 */
import type { Answer } from '../../../calendar/attendees.ts';
import { stateText, type StoredItem } from '../../../calendar/calendar-folder.ts';
import { ensured } from '../../../calendar/delivered-invitations.ts';
import { leadOf } from '../../../calendar/item.ts';
import type { Person, SchedulingMessage } from '../../../calendar/itip.ts';
import { textOf, wholeOf as numberOf } from '../../../calendar/jcal-model.ts';
import { occurrenceAt, recurrenceWall, wholeOf } from '../../../calendar/occurrences.ts';
import { schedulingMessageOf } from '../../../calendar/scheduling-part.ts';
import type { Zone } from '../../../calendar/zones.ts';
import { MethodArguments } from '../arguments.ts';
import type { JmapContext } from '../capability.ts';
import type { Method } from '../dispatch.ts';
import type { Json, JsonObject } from '../json.ts';
import { accountOf, type OpenAccount, writableAccountOf } from '../mail/context.ts';
import { contentOf } from '../mail/ids.ts';
import { MailView } from '../mail/mail-view.ts';
import { MethodError } from '../method-error.ts';
import { actorOf, type CalendarParts, readerOf, zoneOf } from './calendar-parts.ts';
import { eventId, readEventId } from './event-ids.ts';
import { eventObject } from './event-object.ts';
import { CALENDAR, CALENDAR_EVENT } from './names.ts';

/** Mails looked into by one call. */
const EMAILS = 20;
const COMMENT_CHARACTERS = 2000;

const ANSWER_OF: Readonly<Record<string, Answer>> = {
  accepted: 'ACCEPTED',
  tentative: 'TENTATIVE',
  declined: 'DECLINED',
};

export function invitationMethods({ calendars, desk }: CalendarParts): readonly Method<JmapContext>[] {
  return [
    {
      name: `${CALENDAR_EVENT}/ofEmail`,
      capability: CALENDAR,
      run: async ({ context, args: given }) => {
        const args = new MethodArguments(given, ['accountId', 'emailIds', 'timeZone']);
        const account = await accountOf(context, args);
        const ids = [...new Set(args.ids('emailIds') ?? [])];
        if (ids.length > EMAILS) throw new MethodError('requestTooLarge', `name at most ${EMAILS} emails`);
        const zone = zoneOf(args);
        const list: JsonObject[] = [];
        const notFound: string[] = [];
        for (const id of ids) {
          const message = await messageOf(account, id);
          if (message === null) {
            notFound.push(id);
            continue;
          }
          const stored = await calendars.read(account.mailbox, (calendar) => calendar.find(message.item.id));
          list.push({ emailId: id, ...invitation(message, stored, zone, readerOf(account)) });
        }
        const state = await calendars.read(account.mailbox, (calendar) => Promise.resolve(stateText(calendar.state)));
        return { accountId: args.id('accountId'), state, list, notFound };
      },
    },
    {
      name: `${CALENDAR_EVENT}/respond`,
      capability: CALENDAR,
      run: async ({ context, args: given }) => {
        const args = new MethodArguments(given, ['accountId', 'id', 'emailId', 'participationStatus', 'comment']);
        const account = await writableAccountOf(context, args);
        const actor = actorOf(context, account);
        const wanted = args.optionalText('participationStatus') ?? '';
        const answer = Object.hasOwn(ANSWER_OF, wanted) ? ANSWER_OF[wanted] : undefined;
        if (answer === undefined)
          throw new MethodError('invalidArguments', 'participationStatus is accepted, tentative or declined');
        const comment = args.optionalText('comment');
        if (comment !== null && comment.length > COMMENT_CHARACTERS)
          throw new MethodError('invalidArguments', `a comment has ${COMMENT_CHARACTERS} characters at most`);
        const id = await answeredId(args, account, (message) => ensured(calendars, actor, message, readerOf(account)));
        const read = readEventId(id);
        const name = read === null ? null : await desk.item(actor, read.name);
        if (read === null || name === null) throw new MethodError('invalidArguments', 'there is no such event');
        const { unreached } = await desk.respond(actor, read.name, read.recurrenceId, answer, comment);
        const newState = await calendars.read(account.mailbox, (calendar) =>
          Promise.resolve(stateText(calendar.state)),
        );
        return {
          accountId: args.id('accountId'),
          id,
          participationStatus: wanted,
          unreachedParticipants: unreached,
          newState,
        };
      },
    },
  ];
}

/** The event that is answered for, by its id or by the mail that asks. @throws MethodError */
async function answeredId(
  args: MethodArguments,
  account: OpenAccount,
  ensure: (message: SchedulingMessage) => Promise<StoredItem | null>,
): Promise<string> {
  const emailId = args.optionalText('emailId');
  if (emailId === null) return args.id('id');
  const message = await messageOf(account, emailId);
  if (message === null) throw new MethodError('invalidArguments', 'there is no invitation in this email');
  const stored = await ensure(message);
  if (stored === null) throw new MethodError('invalidArguments', 'this email asks for no answer');
  return idWithin(message, stored);
}

async function messageOf({ mailbox }: OpenAccount, emailId: string): Promise<SchedulingMessage | null> {
  const content = contentOf(emailId);
  if (content === null) return null;
  const view = await MailView.open(mailbox);
  try {
    const place = view.placements(new Set<number>([content])).get(content)?.[0];
    return place === undefined ? null : await schedulingMessageOf(mailbox, place.view.folder.id, place.uid);
  } finally {
    view.close();
  }
}

/** A message about one occurrence is about that one of the stored series. */
function idWithin({ item }: SchedulingMessage, stored: StoredItem): string {
  if (item.main !== null || stored.item.main === null) return stored.item.id;
  const recurrenceId = recurrenceWall(leadOf(item), stored.item.main.start);
  return eventId(stored.item.id, recurrenceId);
}

function invitation(
  message: SchedulingMessage,
  stored: StoredItem | null,
  zone: Zone,
  person: Person,
): Record<string, Json> {
  const lead = leadOf(message.item);
  const sent = wholeOf(message.item, zone);
  const id = stored === null ? null : idWithin(message, stored);
  const recurrenceId = id === null ? null : (readEventId(id)?.recurrenceId ?? null);
  const occurrence =
    stored === null
      ? null
      : recurrenceId === null
        ? wholeOf(stored.item, zone)
        : occurrenceAt(stored.item, recurrenceId, zone);
  const isAbout = stored !== null && id !== null && occurrence !== null;
  return {
    method: message.method.toLowerCase(),
    eventId: isAbout ? id : null,
    /** As it is in the calendar now. */
    event: isAbout ? eventObject({ id, item: stored.item, occurrence, person }) : null,
    /** As this mail has it. */
    sent: sent === null ? null : eventObject({ id: message.item.id, item: message.item, occurrence: sent, person }),
    comment: textOf(lead.component, 'comment'),
    isOutdated:
      occurrence !== null && numberOf(occurrence.event.component, 'sequence') > numberOf(lead.component, 'sequence'),
  };
}
