/** Where a link leads, and what stands there. */
import type { Editor } from '@tiptap/core';
import { type ReactNode, useState } from 'react';
import { Form } from 'react-aria-components/Form';
import { useTranslation } from 'react-i18next';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { linkAddress } from './link-address.ts';

export function LinkDialog({ editor, onClose }: { readonly editor: Editor; readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation('compose');
  const present: unknown = editor.getAttributes('link')['href'];
  const isLink = typeof present === 'string';
  const { from, to, empty } = editor.state.selection;
  const [address, setAddress] = useState(isLink ? present : '');
  const [text, setText] = useState(editor.state.doc.textBetween(from, to, ' '));
  const [isWrong, setWrong] = useState(false);
  const apply = (): void => {
    const href = linkAddress(address);
    if (href === null) {
      setWrong(true);
      return;
    }
    const chain = editor.chain().focus();
    if (isLink) chain.extendMarkRange('link').setLink({ href }).run();
    else if (empty)
      chain
        .insertContent({
          type: 'text',
          text: text.trim() === '' ? address.trim() : text,
          marks: [{ type: 'link', attrs: { href } }],
        })
        .run();
    else chain.setLink({ href }).run();
    onClose();
  };
  return (
    <Dialog title={t('link.title')} isOpen onClose={onClose}>
      <Form
        onSubmit={(event) => {
          event.preventDefault();
          apply();
        }}
      >
        <TextField
          label={t('link.address')}
          value={address}
          onChange={(value) => {
            setAddress(value);
            setWrong(false);
          }}
          inputMode="url"
          placeholder="https://"
          // The dialog is this field.
          // oxlint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
          {...(isWrong ? { error: t('link.wrong') } : {})}
        />
        {!isLink && empty && <TextField label={t('link.text')} value={text} onChange={setText} />}
        <div
          style={{ display: 'flex', justifyContent: 'end', gap: 'var(--space-2)', marginBlockStart: 'var(--space-4)' }}
        >
          {isLink && (
            <Button
              onPress={() => {
                editor.chain().focus().extendMarkRange('link').unsetLink().run();
                onClose();
              }}
            >
              {t('link.remove')}
            </Button>
          )}
          <Button kind="primary" type="submit">
            {t('link.apply')}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}
