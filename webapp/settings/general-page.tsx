/** Language and appearance of the app. */
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { changeLanguage, isLanguage, LANGUAGES, presentLanguage } from '../language/language.ts';
import { Select } from '../ui/select.tsx';
import { applyTheme, storedTheme, THEMES } from '../ui/theme.ts';
import { SettingsSection } from './settings-section.tsx';

export function GeneralPage(): ReactNode {
  const { t } = useTranslation(['settings', 'app']);
  const [theme, setTheme] = useState(storedTheme());
  return (
    <SettingsSection title={t('general.title')}>
      <Select
        label={t('app:account.language')}
        value={presentLanguage()}
        options={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
        onChange={(value) => {
          if (isLanguage(value)) void changeLanguage(value);
        }}
      />
      <Select
        label={t('app:account.theme')}
        value={theme}
        options={THEMES.map((value) => ({ value, label: t(`app:account.themes.${value}`) }))}
        onChange={(value) => {
          applyTheme(value);
          setTheme(value);
        }}
      />
    </SettingsSection>
  );
}
