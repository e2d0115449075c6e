/** Signatures: some lines at the end of what one writes; which one for new messages, which for answers. */
import { type ReactNode, useState } from 'react';
import { Form } from 'react-aria-components/Form';
import { useTranslation } from 'react-i18next';
import { useJmap } from '../jmap/mailbox.tsx';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { TextField } from '../ui/field.tsx';
import { Select } from '../ui/select.tsx';
import { accountLimits, type AccountSettings, type Signature } from './account.ts';
import styles from './forms.module.css';
import { SettingsSection } from './settings-section.tsx';
import { freeId, withText } from './signature-text.ts';
import { useChangePreferences } from './use-account.ts';

const NONE = 'none';

export function Signatures({ settings }: { readonly settings: AccountSettings }): ReactNode {
  const { t } = useTranslation('settings');
  const { session } = useJmap();
  const { mutate } = useChangePreferences();
  const [edited, setEdited] = useState<Signature | null>(null);
  const { signatures, newMessageSignature, replySignature } = settings;
  const choices = [
    { value: NONE, label: t('signatures.none') },
    ...signatures.map(({ id, name }) => ({ value: id, label: name })),
  ];
  const chosen = (value: string): string | null => (value === NONE ? null : value);
  const save = (signature: Signature): void => {
    const isNew = !signatures.some(({ id }) => id === signature.id);
    mutate({
      signatures: isNew
        ? [...signatures, signature]
        : signatures.map((one) => (one.id === signature.id ? signature : one)),
      // The first one is meant to be used.
      ...(signatures.length === 0 ? { newMessageSignature: signature.id } : {}),
    });
    setEdited(null);
  };
  const remove = ({ id }: Signature): void =>
    mutate({
      signatures: signatures.filter((one) => one.id !== id),
      ...(newMessageSignature === id ? { newMessageSignature: null } : {}),
      ...(replySignature === id ? { replySignature: null } : {}),
    });
  return (
    <SettingsSection
      title={t('signatures.title')}
      aside={
        <Button
          isDisabled={signatures.length >= accountLimits(session).maxSignatures}
          onPress={() => setEdited({ id: freeId(signatures), name: '', text: '', html: '' })}
        >
          {t('signatures.new')}
        </Button>
      }
    >
      {signatures.length > 0 && (
        <>
          <ul className={styles.rows}>
            {signatures.map((one) => (
              <li key={one.id} className={styles.row}>
                <div>
                  <strong>{one.name}</strong>
                  <p className={styles.muted}>{one.text.split('\n')[0]}</p>
                </div>
                <div className={styles.actions}>
                  <Button aria-label={t('signatures.editOf', { name: one.name })} onPress={() => setEdited(one)}>
                    {t('signatures.edit')}
                  </Button>
                  <Button
                    kind="danger"
                    aria-label={t('signatures.removeOf', { name: one.name })}
                    onPress={() => remove(one)}
                  >
                    {t('signatures.remove')}
                  </Button>
                </div>
              </li>
            ))}
          </ul>
          <div className={styles.form}>
            <Select
              label={t('signatures.forNew')}
              value={newMessageSignature ?? NONE}
              options={choices}
              onChange={(value) => mutate({ newMessageSignature: chosen(value) })}
            />
            <Select
              label={t('signatures.forReplies')}
              value={replySignature ?? NONE}
              options={choices}
              onChange={(value) => mutate({ replySignature: chosen(value) })}
            />
          </div>
        </>
      )}
      {edited !== null && <Editor signature={edited} onSave={save} onClose={() => setEdited(null)} />}
    </SettingsSection>
  );
}

function Editor(props: {
  readonly signature: Signature;
  readonly onSave: (signature: Signature) => void;
  readonly onClose: () => void;
}): ReactNode {
  const { signature, onSave, onClose } = props;
  const { t } = useTranslation(['settings', 'app']);
  const [name, setName] = useState(signature.name);
  const [text, setText] = useState(signature.text);
  const isReady = name.trim() !== '';
  return (
    <Dialog title={t('signatures.editTitle')} isOpen onClose={onClose}>
      <Form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) onSave(withText(signature, name.trim(), text));
        }}
      >
        <TextField label={t('signatures.name')} value={name} onChange={setName} />
        <TextField label={t('signatures.text')} rows={6} value={text} onChange={setText} />
        <div className={styles.actions}>
          <Button kind="primary" type="submit" isDisabled={!isReady}>
            {t('app:save')}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}
