/** Language, time zone and appearance. Kept in this browser, and with the account where it has settings. */
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useJmap } from '../jmap/mailbox.tsx';
import { can } from '../jmap/session.ts';
import { changeLanguage, isLanguage, LANGUAGES, presentLanguage } from '../language/language.ts';
import { Select } from '../ui/select.tsx';
import { Failed, Loading } from '../ui/state.tsx';
import { applyTheme, storedTheme, type Theme, THEMES } from '../ui/theme.ts';
import type { Preferences } from './account.ts';
import { SettingsSection } from './settings-section.tsx';
import { useAccountSettings, useChangePreferences } from './use-account.ts';

export function GeneralPage(): ReactNode {
  const { session } = useJmap();
  return can(session, 'account') ? <OfAccount /> : <OfBrowser onChange={() => {}} />;
}

function OfAccount(): ReactNode {
  const { t } = useTranslation('settings');
  const { data, error, refetch } = useAccountSettings();
  const change = useChangePreferences();
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading />;
  return (
    <OfBrowser onChange={(preferences) => change.mutate(preferences)}>
      <Select
        label={t('general.timeZone')}
        description={t('general.timeZoneText')}
        value={data.timeZone ?? BROWSER}
        options={[
          { value: BROWSER, label: t('general.browserTimeZone', { zone: browserTimeZone() }) },
          ...Intl.supportedValuesOf('timeZone').map((value) => ({ value, label: value.replaceAll('_', ' ') })),
        ]}
        onChange={(value) => change.mutate({ timeZone: value === BROWSER ? null : value })}
      />
    </OfBrowser>
  );
}

const BROWSER = 'browser';
const browserTimeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

function OfBrowser(props: {
  readonly onChange: (preferences: Partial<Preferences>) => void;
  readonly children?: ReactNode;
}): ReactNode {
  const { onChange, children } = props;
  const { t } = useTranslation(['settings', 'app']);
  const [theme, setTheme] = useState<Theme>(storedTheme());
  return (
    <SettingsSection title={t('general.title')}>
      <Select
        label={t('app:account.language')}
        value={presentLanguage()}
        options={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
        onChange={(value) => {
          if (!isLanguage(value)) return;
          void changeLanguage(value);
          onChange({ language: value });
        }}
      />
      {children}
      <Select
        label={t('app:account.theme')}
        value={theme}
        options={THEMES.map((value) => ({ value, label: t(`app:account.themes.${value}`) }))}
        onChange={(value) => {
          applyTheme(value);
          setTheme(value);
          onChange({ theme: value });
        }}
      />
    </SettingsSection>
  );
}
