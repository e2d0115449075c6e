/** Mailboxes: found by name or address, made, and what each may use: POP, IMAP, submission, the web app. */
import { Plus } from 'lucide-react';
import { type ReactNode, useDeferredValue, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Switch, TextField } from '../ui/field.tsx';
import { Notice } from '../ui/state.tsx';
import { type CmdletObject, type CmdletOutput, textOf } from './cmdlets.ts';
import styles from './console.module.css';
import { NewMailboxDialog } from './new-mailbox-dialog.tsx';
import { ObjectTable } from './object-table.tsx';
import { useObjects, useRunning } from './running.tsx';

const SHOWN = 200;

interface Secret {
  readonly name: string;
  readonly password: string;
}

/** The password that a cmdlet has made; it is told once. */
export const madePassword = ({ objects }: CmdletOutput): string => textOf(objects[0] ?? {}, 'Password');

/** In a pattern of -like, `*` stands for any characters; a quotation mark is written twice. */
function filterFor(words: string): string {
  const pattern = `'*${words.replaceAll("'", "''")}*'`;
  return `Name -like ${pattern} -or PrimarySmtpAddress -like ${pattern}`;
}

export function MailboxesPage(): ReactNode {
  const { t } = useTranslation('admin');
  const { may, run } = useRunning();
  const [words, setWords] = useState('');
  const [isMaking, setMaking] = useState(false);
  const [secret, setSecret] = useState<Secret | null>(null);
  const wanted = useDeferredValue(words.trim());
  const output = useObjects(
    'Get-CASMailbox',
    wanted === '' ? { ResultSize: SHOWN } : { Filter: filterFor(wanted), ResultSize: SHOWN },
  );
  const tell = (name: string, output: CmdletOutput | null): void => {
    const password = output === null ? '' : madePassword(output);
    if (password !== '') setSecret({ name, password });
  };
  const resetPassword = (name: string, identity: string): void =>
    void run({ name: 'Set-Mailbox', parameters: { Identity: identity, GeneratePassword: true } }).then((output) =>
      tell(name, output),
    );
  return (
    <>
      <div className={styles.bar}>
        <div className={styles.grow}>
          <TextField
            label={t('mailboxes.search')}
            placeholder={t('mailboxes.searchHint')}
            type="search"
            value={words}
            onChange={setWords}
          />
        </div>
        {may('New-Mailbox') && (
          <Button kind="primary" onPress={() => setMaking(true)}>
            <Plus size={16} aria-hidden />
            {t('mailboxes.new')}
          </Button>
        )}
      </div>
      <ObjectTable
        label={t('mailboxes.title')}
        output={output}
        empty={t('mailboxes.empty')}
        keyOf={(mailbox) => textOf(mailbox, 'Guid')}
        columns={[
          { name: 'Name', label: t('mailboxes.name') },
          { name: 'PrimarySmtpAddress', label: t('mailboxes.address') },
          ...(['PopEnabled', 'ImapEnabled', 'SmtpClientAuthenticationDisabled', 'OWAEnabled'] as const).map((name) => ({
            name,
            label: t(`mailboxes.${name}`),
            renderCell: (mailbox: CmdletObject) => <Access mailbox={mailbox} name={name} />,
          })),
          {
            name: 'actions',
            label: t('actions'),
            renderCell: (mailbox) =>
              may('Set-Mailbox') && (
                <Button
                  aria-label={t('mailboxes.resetOf', { name: textOf(mailbox, 'Name') })}
                  onPress={() => resetPassword(textOf(mailbox, 'Name'), textOf(mailbox, 'Guid'))}
                >
                  {t('mailboxes.reset')}
                </Button>
              ),
          },
        ]}
      />
      {isMaking && <NewMailboxDialog onMade={tell} onClose={() => setMaking(false)} />}
      {secret !== null && (
        <Dialog
          title={t('mailboxes.passwordOf', { name: secret.name })}
          isOpen
          onClose={() => setSecret(null)}
          actions={<Button onPress={() => setSecret(null)}>{t('mailboxes.passwordNoted')}</Button>}
        >
          <div className={styles.secret}>
            <code data-testid="made-password">{secret.password}</code>
            <CopyButton text={secret.password} label={t('mailboxes.copyPassword')} />
          </div>
          <Notice>{t('mailboxes.passwordOnce')}</Notice>
        </Dialog>
      )}
    </>
  );
}

/** A switch that is on when the person may; the one of submission is written the other way round. */
function Access({ mailbox, name }: { readonly mailbox: CmdletObject; readonly name: string }): ReactNode {
  const { t } = useTranslation('admin');
  const { may, run } = useRunning();
  const isNegative = name === 'SmtpClientAuthenticationDisabled';
  return (
    <Switch
      aria-label={t('mailboxes.accessOf', { what: t(`mailboxes.${name}`), name: textOf(mailbox, 'Name') })}
      isSelected={(mailbox[name] === true) !== isNegative}
      isDisabled={!may('Set-CASMailbox')}
      onChange={(on) =>
        void run({
          name: 'Set-CASMailbox',
          parameters: { Identity: textOf(mailbox, 'Guid'), [name]: on !== isNegative },
        })
      }
    />
  );
}
