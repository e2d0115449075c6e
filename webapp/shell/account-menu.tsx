/** Who has signed in; appearance, language, sign out. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { isLanguage, LANGUAGES, presentLanguage } from '../language/language.ts';
import { useJmap } from '../jmap/mailbox.tsx';
import { ownAccount } from '../jmap/session.ts';
import { signOut } from '../sign-in/sign-in.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Menu, MenuItem, MenuSection, MenuSeparator } from '../ui/menu.tsx';
import { THEMES } from '../ui/theme.ts';
import { useToast } from '../ui/toasts.tsx';
import { Button } from 'react-aria-components/Button';
import styles from './account-menu.module.css';
import { useAppearance } from './appearance.ts';

export function AccountMenu(): ReactNode {
  const { t } = useTranslation('app');
  const { session } = useJmap();
  const toast = useToast();
  const appearance = useAppearance();
  const choose = (wish: Parameters<typeof appearance.change>[0]): void => {
    appearance.change(wish).catch((reason: unknown) => toast({ text: String(reason), isError: true }));
  };
  const own = ownAccount(session);
  const name = (own === null ? undefined : session.accounts[own]?.name) ?? session.username;
  return (
    <Menu
      label={t('account.menu', { name })}
      placement="right bottom"
      trigger={
        <Button className={styles.trigger} aria-label={t('account.menu', { name })}>
          <Avatar name={name} address={session.username} />
        </Button>
      }
    >
      <MenuSection
        label={t('account.theme')}
        selectionMode="single"
        disallowEmptySelection
        selectedKeys={[appearance.theme]}
        onSelectionChange={(keys) => {
          const chosen = THEMES.find((one) => keys === 'all' || keys.has(one));
          if (chosen === undefined) return;
          choose({ theme: chosen });
        }}
      >
        {THEMES.map((one) => (
          <MenuItem key={one} id={one} label={t(`account.themes.${one}`)} />
        ))}
      </MenuSection>
      <MenuSection
        label={t('account.language')}
        selectionMode="single"
        disallowEmptySelection
        selectedKeys={[presentLanguage()]}
        onSelectionChange={(keys) => {
          const [chosen] = keys === 'all' ? [] : [...keys].map(String);
          if (chosen !== undefined && isLanguage(chosen)) choose({ language: chosen });
        }}
      >
        {Object.entries(LANGUAGES).map(([id, label]) => (
          <MenuItem key={id} id={id} label={label} />
        ))}
      </MenuSection>
      <MenuSeparator />
      <MenuItem
        label={t('account.signOut')}
        onAction={() => {
          signOut().then(
            () => window.location.assign('/sign-in'),
            () => toast({ text: t('signIn.unreachable'), isError: true }),
          );
        }}
      />
    </Menu>
  );
}
