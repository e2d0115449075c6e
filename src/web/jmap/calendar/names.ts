/** Names of the calendar capability (ADR 12 §2). */
export const CALENDAR = 'urn:penfold:params:jmap:calendar';
export const CALENDAR_EVENT = 'CalendarEvent';
