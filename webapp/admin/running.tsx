/**
 * Running cmdlets from a page. Reading ones are queries that push makes fresh (`AuditEntry`: something was changed by
 * somebody). Changing ones are asked about when the server says they are dangerous, with its own words and the line
 * that does the same in the shell; afterwards what was done can be copied as that line.
 */
import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { MethodRefused } from '../jmap/errors.ts';
import { useJmap } from '../jmap/mailbox.tsx';
import { personalAccount } from '../jmap/session.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { useToast } from '../ui/toasts.tsx';
import { CmdletLine } from './cmdlet-line.tsx';
import { type Cmdlet, cmdletGet, type CmdletOutput, cmdletRun, fieldText, type Parameters } from './cmdlets.ts';

/** Those that pages use. What the caller may not run is not in the answer. */
const USED = [
  'Get-CASMailbox',
  'Set-CASMailbox',
  'New-Mailbox',
  'Set-Mailbox',
  'Get-ExchangeServer',
  'Get-Service',
  'Start-Service',
  'Stop-Service',
  'Restart-Service',
  'Get-PopSettings',
  'Set-PopSettings',
  'Get-ImapSettings',
  'Set-ImapSettings',
  'Get-ReceiveConnector',
  'Set-ReceiveConnector',
  'Get-Session',
  'Stop-Session',
  'Get-ServerHealth',
  'Get-AdminAuditLog',
] as const;
export type CmdletName = (typeof USED)[number];

export interface Call {
  readonly name: CmdletName;
  readonly parameters?: Parameters;
  /** Asked about in any case: people notice what it does. */
  readonly asks?: boolean;
}

interface Running {
  readonly cmdlets: ReadonlyMap<string, Cmdlet>;
  readonly may: (name: CmdletName) => boolean;
  /** Null: the person said no, or it failed, which he has been told. */
  readonly run: (call: Call) => Promise<CmdletOutput | null>;
  /** What it would do, in the server's words. @throws as JmapClient.call */
  readonly plan: (call: Call) => Promise<Plan>;
}

export interface Plan {
  readonly what: string;
  readonly commandLine: string;
}

const RunningContext = createContext<Running | null>(null);

/** Key of whatever a cmdlet has read. */
const KEY = 'AuditEntry';

interface Question {
  readonly plan: Plan;
  readonly answer: (yes: boolean) => void;
}

export function useCatalog(): UseQueryResult<readonly Cmdlet[]> {
  const { client, session } = useJmap();
  return useQuery({
    queryKey: [personalAccount(session), 'Cmdlet'],
    queryFn: async () => (await client.call(cmdletGet, { ids: USED })).list,
  });
}

export function RunningProvider(props: {
  readonly catalog: readonly Cmdlet[];
  readonly children: ReactNode;
}): ReactNode {
  const { catalog, children } = props;
  const { t } = useTranslation('admin');
  const { client, session } = useJmap();
  const queries = useQueryClient();
  const toast = useToast();
  const [question, setQuestion] = useState<Question | null>(null);
  const running = useMemo<Running>(() => {
    const cmdlets = new Map(catalog.map((one) => [one.name, one]));
    const call = ({ name, parameters = {} }: Call, how: object): Promise<CmdletOutput> =>
      client.call(cmdletRun, { name, parameters, ...how });
    const plan = async (one: Call): Promise<Plan> => {
      const { objects, commandLine } = await call(one, { whatIf: true });
      return { what: fieldText(objects[0]?.['WhatIf']), commandLine: commandLine.replace(/ -WhatIf$/, '') };
    };
    const ask = (asked: Plan): Promise<boolean> => {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      setQuestion({
        plan: asked,
        answer: (yes) => {
          setQuestion(null);
          resolve(yes);
        },
      });
      return promise;
    };
    const confirmed = async (one: Call): Promise<CmdletOutput | null> => {
      try {
        return await call(one, one.asks === true ? { confirm: true } : {});
      } catch (reason) {
        if (!(reason instanceof MethodRefused) || reason.type !== 'confirmationNeeded') throw reason;
        return (await ask(await plan(one))) ? call(one, { confirm: false }) : null;
      }
    };
    return {
      cmdlets,
      may: (name) => cmdlets.has(name),
      plan,
      run: async (one) => {
        try {
          const output = await confirmed(one);
          if (output === null) return null;
          for (const text of output.warnings) toast({ text });
          toast({
            text: t('done'),
            action: {
              label: t('copyLine'),
              run: () => void navigator.clipboard.writeText(output.commandLine),
            },
          });
          await queries.invalidateQueries({ queryKey: [personalAccount(session), KEY] });
          return output;
        } catch (reason) {
          toast({ text: reason instanceof Error ? reason.message : String(reason), isError: true });
          return null;
        }
      },
    };
  }, [catalog, client, session, queries, toast, t]);
  return (
    <RunningContext value={running}>
      {children}
      {question !== null && (
        <Dialog
          role="alertdialog"
          title={t('question.title')}
          isOpen
          onClose={() => question.answer(false)}
          actions={
            <>
              <Button onPress={() => question.answer(false)}>{t('question.no')}</Button>
              <Button kind="danger" onPress={() => question.answer(true)}>
                {t('question.yes')}
              </Button>
            </>
          }
        >
          <p>{question.plan.what}</p>
          <CmdletLine line={question.plan.commandLine} />
        </Dialog>
      )}
    </RunningContext>
  );
}

export function useRunning(): Running {
  const running = useContext(RunningContext);
  if (running === null) throw new Error('useRunning outside of RunningProvider');
  return running;
}

/** What a reading cmdlet says, now and when something has changed. */
export function useObjects(
  name: CmdletName,
  parameters: Parameters = {},
  maxResults = 500,
): UseQueryResult<CmdletOutput> {
  const { client, session } = useJmap();
  return useQuery({
    queryKey: [personalAccount(session), KEY, name, parameters, maxResults],
    queryFn: () => client.call(cmdletRun, { name, parameters, maxResults }),
    placeholderData: (before) => before,
  });
}
