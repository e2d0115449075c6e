/** Events of some days, occurrences expanded, fresh by push; and what is done with them, with what is said of it. */
import { useQuery } from '@tanstack/react-query';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { useJmap } from '../jmap/mailbox.tsx';
import { useToast } from '../ui/toasts.tsx';
import { addDays, type Day } from './days.ts';
import { type Answer, type CalendarEvent, eventGet, eventQuery, eventRespond, eventSet } from './methods.ts';
import { type Placed, placed } from './placing.ts';

/** Events shown at once; a day holds some dozens, a month some hundreds. */
const MOST = 1000;

export function useEvents(accountId: string, zone: string, from: Day, days: number) {
  const { client } = useJmap();
  return useQuery({
    queryKey: [accountId, 'CalendarEvent', 'window', from, days, zone],
    queryFn: async (): Promise<readonly Placed[]> => {
      const { list } = await client.together(async (call) => {
        const query = call(eventQuery, {
          accountId,
          filter: { after: `${from}T00:00:00`, before: `${addDays(from, days)}T00:00:00` },
          expandRecurrences: true,
          timeZone: zone,
          limit: MOST,
        });
        const { answer } = call(eventGet, { accountId, '#ids': query.ref('/ids'), timeZone: zone });
        await query.answer;
        return answer;
      });
      return list
        .map((event) => placed(event, zone))
        .toSorted((a, b) => Date.parse(a.event.utcStart) - Date.parse(b.event.utcStart));
    },
    placeholderData: (before) => before,
  });
}

export function useEvent(accountId: string, id: string, zone: string) {
  const { client } = useJmap();
  return useQuery({
    queryKey: [accountId, 'CalendarEvent', 'one', id, zone],
    queryFn: async (): Promise<CalendarEvent | null> => {
      const { list } = await client.call(eventGet, { accountId, ids: [id], timeZone: zone });
      return list[0] ?? null;
    },
  });
}

export type EventChange =
  | { readonly kind: 'create'; readonly event: Readonly<Record<string, unknown>> }
  | { readonly kind: 'update'; readonly id: string; readonly patch: Readonly<Record<string, unknown>> }
  | { readonly kind: 'destroy'; readonly id: string };

/** Each resolves to whether it went well; what did not is said in a toast. */
export function useCalendarActions(accountId: string) {
  const { client } = useJmap();
  const { t } = useTranslation('calendar');
  const show = useToast();
  const attempt = useCallback(
    async (work: () => Promise<void>): Promise<boolean> => {
      try {
        await work();
        return true;
      } catch (error) {
        show({ text: error instanceof Error ? error.message : String(error), isError: true });
        return false;
      }
    },
    [show],
  );
  const change = useCallback(
    (wanted: EventChange): Promise<boolean> =>
      attempt(async () => {
        const answer = await client.call(eventSet, {
          accountId,
          sendSchedulingMessages: true,
          ...(wanted.kind === 'create' ? { create: { event: wanted.event } } : {}),
          ...(wanted.kind === 'update' ? { update: { [wanted.id]: wanted.patch } } : {}),
          ...(wanted.kind === 'destroy' ? { destroy: [wanted.id] } : {}),
        });
        const refused = [answer.notCreated, answer.notUpdated, answer.notDestroyed].flatMap((one) =>
          Object.values(one ?? {}),
        )[0];
        if (refused !== undefined) throw new Error(refused.description ?? refused.type);
        const unreached = answer.created?.['event']?.['unreachedParticipants'];
        if (Array.isArray(unreached) && unreached.length > 0)
          show({ text: t('unreached', { people: unreached.join(', ') }), isError: true });
      }),
    [accountId, attempt, client, show, t],
  );
  const respond = useCallback(
    (id: string, answer: Answer, comment: string): Promise<boolean> =>
      attempt(async () => {
        const { unreachedParticipants } = await client.call(eventRespond, {
          accountId,
          id,
          participationStatus: answer,
          ...(comment === '' ? {} : { comment }),
        });
        show(
          unreachedParticipants.length === 0
            ? { text: t(`answered.${answer}`) }
            : { text: t('unreached', { people: unreachedParticipants.join(', ') }), isError: true },
        );
      }),
    [accountId, attempt, client, show, t],
  );
  return { change, respond };
}
