/** Who changed what, when, by which way: the newest entries, and those of one person or one object. */
import { type ReactNode, useDeferredValue, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { TextField } from '../ui/field.tsx';
import { type CmdletObject, fieldText } from './cmdlets.ts';
import styles from './console.module.css';
import { ObjectTable } from './object-table.tsx';
import { useObjects } from './running.tsx';

const NEWEST = 200;

export function AuditPage(): ReactNode {
  const { t } = useTranslation('admin');
  const [user, setUser] = useState('');
  const [object, setObject] = useState('');
  const by = useDeferredValue(user.trim());
  const of = useDeferredValue(object.trim());
  const output = useObjects('Get-AdminAuditLog', {
    ...(by === '' ? {} : { UserIds: [by] }),
    ...(of === '' ? {} : { ObjectIds: [of] }),
    ResultSize: NEWEST,
  });
  return (
    <>
      <div className={styles.fields}>
        <TextField label={t('audit.by')} description={t('audit.byHint')} value={user} onChange={setUser} />
        <TextField label={t('audit.of')} description={t('audit.ofHint')} value={object} onChange={setObject} />
      </div>
      <ObjectTable
        label={t('audit.title')}
        output={output}
        empty={t('audit.empty')}
        keyOf={(_entry, at) => String(at)}
        columns={[
          { name: 'RunDate', label: t('audit.when') },
          { name: 'Caller', label: t('audit.who') },
          { name: 'Via', label: t('audit.via') },
          { name: 'CmdletName', label: t('audit.cmdlet') },
          { name: 'ObjectModified', label: t('audit.object') },
          { name: 'NewValues', label: t('audit.change'), renderCell: (entry) => <Change entry={entry} /> },
        ]}
      />
    </>
  );
}

function Change({ entry }: { readonly entry: CmdletObject }): ReactNode {
  const { t } = useTranslation('admin');
  const [before, after] = [fieldText(entry['OldValues']), fieldText(entry['NewValues'])];
  const action = fieldText(entry['Action']);
  return (
    <details className={styles.change}>
      <summary>{t([`audit.actions.${action}`, 'audit.actions.other'], { action })}</summary>
      {before !== '' && (
        <>
          <h3>{t('audit.before')}</h3>
          <pre>{before}</pre>
        </>
      )}
      {after !== '' && (
        <>
          <h3>{t('audit.after')}</h3>
          <pre>{after}</pre>
        </>
      )}
    </details>
  );
}
