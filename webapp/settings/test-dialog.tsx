/**
 * Test my settings: asks for the password once more, logs on through the front door by each protocol, and says step by
 * step what happened. Each protocol is a request of its own, so that none waits for another's answer.
 */
import { CircleCheck, CircleX, LoaderCircle } from 'lucide-react';
import { type ReactNode, useRef, useState } from 'react';
import { Form } from 'react-aria-components/Form';
import { useTranslation } from 'react-i18next';
import { MethodRefused } from '../jmap/errors.ts';
import { useJmap } from '../jmap/mailbox.tsx';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { PasswordField } from '../ui/field.tsx';
import { Select } from '../ui/select.tsx';
import {
  type ClientSettings,
  clientSettingsTest,
  type Protocol,
  PROTOCOLS,
  type Setting,
  type Side,
  SIDES,
  type TestStep,
} from './client-settings.ts';
import styles from './test-dialog.module.css';

interface Test {
  readonly protocol: Protocol;
  readonly setting: Setting;
  readonly userName: string;
}
type Outcome =
  | { readonly kind: 'running' }
  | { readonly kind: 'done'; readonly isPassed: boolean; readonly steps: readonly TestStep[] }
  | { readonly kind: 'failed'; readonly text: string };

export interface TestDialogProps {
  readonly accountId: string;
  readonly settings: ClientSettings;
  readonly onClose: () => void;
}

function testsOf(settings: ClientSettings, side: Side, mailboxId: string): readonly Test[] {
  const userNames = settings.mailboxes.find(({ accountId }) => accountId === mailboxId)?.userNames;
  return PROTOCOLS.flatMap((protocol) => {
    const setting = settings[protocol][side]?.preferred;
    const userName = userNames?.[protocol] ?? null;
    return setting === undefined || userName === null ? [] : [{ protocol, setting, userName }];
  });
}

export function TestDialog({ accountId, settings, onClose }: TestDialogProps): ReactNode {
  const { t } = useTranslation('settings');
  const { client } = useJmap();
  const sides = SIDES.filter((side) => PROTOCOLS.some((protocol) => settings[protocol][side] !== null));
  const [side, setSide] = useState<Side>(sides[0] ?? 'external');
  const [mailbox, setMailbox] = useState(settings.mailboxes[0]?.accountId ?? '');
  const [password, setPassword] = useState('');
  const [outcomes, setOutcomes] = useState<ReadonlyMap<Protocol, Outcome>>(new Map());
  const round = useRef(0);
  const tests = testsOf(settings, side, mailbox);
  const isRunning = [...outcomes.values()].some(({ kind }) => kind === 'running');

  const restart = (): void => {
    round.current += 1;
    setOutcomes(new Map());
  };
  const start = (): void => {
    round.current += 1;
    const mine = round.current;
    const tell = (protocol: Protocol, outcome: Outcome): void => {
      if (round.current === mine) setOutcomes((all) => new Map(all).set(protocol, outcome));
    };
    setOutcomes(new Map(tests.map(({ protocol }) => [protocol, { kind: 'running' }])));
    for (const { protocol, setting, userName } of tests) {
      client
        .together((call) => call(clientSettingsTest, { accountId, protocol, ...setting, userName, password }).answer)
        .then(
          ({ isPassed, steps }) => tell(protocol, { kind: 'done', isPassed, steps }),
          (reason: unknown) => tell(protocol, { kind: 'failed', text: refusalText(reason, t) }),
        );
    }
  };

  return (
    <Dialog title={t('test.title')} isOpen isWide onClose={onClose}>
      <Form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (password !== '' && tests.length > 0 && !isRunning) start();
        }}
      >
        <p className={styles.intro}>{t('test.intro')}</p>
        {sides.length > 1 && (
          <Select
            label={t('test.side')}
            value={side}
            options={sides.map((value) => ({ value, label: t(`client.side.${value}`) }))}
            onChange={(value) => {
              setSide(value);
              restart();
            }}
          />
        )}
        {settings.mailboxes.length > 1 && (
          <Select
            label={t('test.mailbox')}
            value={mailbox}
            options={settings.mailboxes.map((one) => ({ value: one.accountId, label: one.address }))}
            onChange={(value) => {
              setMailbox(value);
              restart();
            }}
          />
        )}
        <PasswordField
          label={t('test.password')}
          description={t('test.passwordHint')}
          name="password"
          autoComplete="current-password"
          value={password}
          onChange={setPassword}
        />
        <div className={styles.actions}>
          <Button kind="primary" type="submit" isDisabled={password === '' || tests.length === 0 || isRunning}>
            {t(isRunning ? 'test.running' : 'test.start')}
          </Button>
        </div>
      </Form>
      <div aria-live="polite" className={styles.results}>
        {tests.length === 0 && <p>{t('test.nothing')}</p>}
        {tests.map((test) => {
          const outcome = outcomes.get(test.protocol);
          return outcome === undefined ? null : <Result key={test.protocol} test={test} outcome={outcome} />;
        })}
      </div>
    </Dialog>
  );
}

type Translate = ReturnType<typeof useTranslation>['t'];

function refusalText(reason: unknown, t: Translate): string {
  if (reason instanceof MethodRefused && reason.type === 'rateLimit') {
    const seconds = Number(reason.facts['retryAfter']);
    return t('test.tooMany', { seconds: Number.isFinite(seconds) ? seconds : 60 });
  }
  return reason instanceof Error ? reason.message : String(reason);
}

function Result({ test, outcome }: { readonly test: Test; readonly outcome: Outcome }): ReactNode {
  const { t } = useTranslation('settings');
  const { protocol, setting } = test;
  return (
    <section className={styles.result} data-testid={`test-${protocol}`}>
      <h3 className={styles.heading}>
        <Mark outcome={outcome} />
        {t(`test.protocol.${protocol}`)}
        <code className={styles.place}>
          {setting.host}:{setting.port}
        </code>
      </h3>
      {outcome.kind === 'running' && <p className={styles.muted}>{t('test.wait')}</p>}
      {outcome.kind === 'failed' && <p className={styles.fault}>{outcome.text}</p>}
      {outcome.kind === 'done' && (
        <>
          <ol className={styles.steps}>
            {outcome.steps.map((step) => (
              <li key={step.step} className={step.ok ? undefined : styles.fault}>
                {stepText(step, test, t)}
              </li>
            ))}
          </ol>
          {outcome.isPassed && <p className={styles.passed}>{t('test.passed')}</p>}
        </>
      )}
    </section>
  );
}

function Mark({ outcome }: { readonly outcome: Outcome }): ReactNode {
  if (outcome.kind === 'running') return <LoaderCircle size={18} className={styles.turning} aria-hidden />;
  if (outcome.kind === 'done' && outcome.isPassed) return <CircleCheck size={18} className={styles.good} aria-hidden />;
  return <CircleX size={18} className={styles.bad} aria-hidden />;
}

function stepText(
  { step, ok, fault, authority, certificateNames, answer }: TestStep,
  test: Test,
  t: Translate,
): string {
  const facts = {
    host: test.setting.host,
    port: test.setting.port,
    user: test.userName,
    protocol: t(`test.protocol.${test.protocol}`),
    names: (certificateNames ?? []).join(', '),
  };
  if (ok) return t(step === 'tls' && authority === 'organization' ? 'test.step.tlsOwn' : `test.step.${step}`, facts);
  const sentence = t([`test.fault.${fault ?? 'refused'}`, 'test.fault.refused'], facts);
  return answer === undefined || fault !== 'refused' ? sentence : `${sentence} ${t('test.answer', { answer })}`;
}
