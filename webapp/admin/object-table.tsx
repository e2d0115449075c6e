/** What a cmdlet reads, as a table; a page may add columns of its own, such as buttons. */
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Failed, Loading } from '../ui/state.tsx';
import { CmdletLine } from './cmdlet-line.tsx';
import { cellText, type CmdletObject, type CmdletOutput } from './cmdlets.ts';
import styles from './object-table.module.css';

export interface Column {
  /** Property of the objects, or any word where `renderCell` is given. */
  readonly name: string;
  readonly label: string;
  readonly renderCell?: (object: CmdletObject) => ReactNode;
}

export interface ObjectTableProps {
  readonly label: string;
  readonly output: UseQueryResult<CmdletOutput>;
  readonly columns: readonly Column[];
  readonly keyOf: (object: CmdletObject, at: number) => string;
  /** Said when there is no object. */
  readonly empty: string;
}

export function ObjectTable({ label, output, columns, keyOf, empty }: ObjectTableProps): ReactNode {
  const { t, i18n } = useTranslation('admin');
  const { data, error, refetch } = output;
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading />;
  return (
    <>
      {data.objects.length === 0 ? (
        <p className={styles.empty}>{empty}</p>
      ) : (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- who scrolls by keyboard needs it
        <div className={styles.scroll} tabIndex={0} role="region" aria-label={label}>
          <table className={styles.table}>
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column.name} scope="col">
                    {column.label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.objects.map((object, at) => (
                <tr key={keyOf(object, at)}>
                  {columns.map(({ name, label, renderCell }) => (
                    <td key={name} data-label={label}>
                      {renderCell === undefined ? cellText(object[name], i18n.language) : renderCell(object)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {data.hasMore && <p className={styles.empty}>{t('more', { count: data.objects.length })}</p>}
      <CmdletLine line={data.commandLine} />
    </>
  );
}
