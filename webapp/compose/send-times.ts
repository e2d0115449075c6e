/** Times at which people like their mail to go out, where they are. Pure. */

const MORNING = 8;

export interface ProposedTimes {
  readonly tomorrowMorning: Date;
  readonly mondayMorning: Date;
}

export function proposedTimes(now: Date): ProposedTimes {
  const morning = (daysOn: number): Date =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() + daysOn, MORNING);
  const toMonday = (8 - now.getDay()) % 7;
  // "Monday" on a Sunday would be tomorrow, and on a Monday today: then the next one is meant.
  return { tomorrowMorning: morning(1), mondayMorning: morning(toMonday <= 1 ? toMonday + 7 : toMonday) };
}

/** Value of an `<input type="datetime-local">`. */
export function localTimeText(at: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
