/**
 * What a mailbox wants to be served instead of the bytes that came in: MessageRetrievalMimeFormat and
 * CalendarItemRetrievalOption (exchange-behaviour.md §5.1, §5.2), reduced to what a pure function needs. Knows no
 * settings and no server: the web address of the links comes in as text.
 */

/** The names of MessageRetrievalMimeFormat, values 0–6 in this order. */
export type TextFormat =
  | 'TextOnly'
  | 'HtmlOnly'
  | 'HtmlAndTextAlternative'
  | 'TextEnrichedOnly'
  | 'TextEnrichedAndTextAlternative'
  | 'BestBodyFormat'
  | 'Tnef';

export interface RenderingWish {
  readonly format: TextFormat;
  /**
   * Null: meeting messages keep their iCalendar part. Else the base of the links that replace it, an absolute http
   * or https address; a slash at its end does not matter.
   */
  readonly calendarLinkBase: string | null;
}

/** Original bytes, always. */
export const AS_IT_IS: RenderingWish = { format: 'BestBodyFormat', calendarLinkBase: null };

/** Nothing is ever converted: the caller need not look at any message. */
export function isAsItIs(wish: RenderingWish): boolean {
  return wish.format === 'BestBodyFormat' && wish.calendarLinkBase === null;
}

/** Equal text for wishes that give equal bytes. */
export function wishKey(wish: RenderingWish): string {
  return `${wish.format} ${wish.calendarLinkBase ?? ''}`;
}
