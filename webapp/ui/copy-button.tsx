/** Puts a text on the clipboard and says so. */
import { Check, Copy } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from './button.tsx';
import { useToast } from './toasts.tsx';

const SAID_MS = 2_000;

export function CopyButton({ text, label }: { readonly text: string; readonly label?: string }): ReactNode {
  const { t } = useTranslation('app');
  const toast = useToast();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), SAID_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <IconButton
      label={isCopied ? t('copied') : (label ?? t('copy'))}
      icon={isCopied ? <Check size={16} /> : <Copy size={16} />}
      onPress={() => {
        navigator.clipboard.writeText(text).then(
          () => setCopied(true),
          (reason: unknown) => toast({ text: String(reason), isError: true }),
        );
      }}
    />
  );
}
