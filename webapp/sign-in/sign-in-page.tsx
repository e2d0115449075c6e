/** The first page: address and password, and what went wrong in the server's own words. */
import { type ReactNode, useState } from 'react';
import { Form } from 'react-aria-components/Form';
import { useTranslation } from 'react-i18next';
import { ConnectionLost } from '../jmap/errors.ts';
import { Button } from '../ui/button.tsx';
import { Checkbox, PasswordField, TextField } from '../ui/field.tsx';
import { Notice } from '../ui/state.tsx';
import { signIn } from './sign-in.ts';
import styles from './sign-in-page.module.css';

export function SignInPage({ onSignedIn }: { readonly onSignedIn: () => void }): ReactNode {
  const { t } = useTranslation('app');
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [isKept, setKept] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const submit = (): void => {
    if (user.trim() === '' || password === '') {
      setWrong(t('signIn.required'));
      return;
    }
    setBusy(true);
    setWrong(null);
    signIn(user.trim(), password, isKept)
      .then(onSignedIn, (reason: unknown) => {
        setWrong(
          reason instanceof ConnectionLost
            ? t('signIn.unreachable')
            : t('signIn.failed', { reason: reason instanceof Error ? reason.message : String(reason) }),
        );
      })
      .finally(() => setBusy(false));
  };
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <img src="/icon.svg" alt="" width={56} height={56} />
        <h1>{t('signIn.title')}</h1>
        <Form
          className={styles.form}
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <TextField
            label={t('signIn.user')}
            name="user"
            autoComplete="username"
            inputMode="email"
            value={user}
            onChange={setUser}
            // The page is this form: there is nothing before it to be read first.
            // oxlint-disable-next-line jsx-a11y/no-autofocus
            autoFocus
          />
          <PasswordField
            label={t('signIn.password')}
            name="password"
            autoComplete="current-password"
            value={password}
            onChange={setPassword}
          />
          <Checkbox isSelected={isKept} onChange={setKept}>
            {t('signIn.keep')}
          </Checkbox>
          {wrong !== null && <Notice tone="error">{wrong}</Notice>}
          <Button type="submit" kind="primary" isDisabled={isBusy}>
            {t(isBusy ? 'signIn.busy' : 'signIn.button')}
          </Button>
        </Form>
        <p className={styles.hint}>{t('signIn.programs')}</p>
      </div>
    </main>
  );
}
