/** When a message is to go out: two times that are wanted often, or any other. */
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { localTimeText, proposedTimes } from '../send-times.ts';
import styles from './schedule-dialog.module.css';

export function ScheduleDialog(props: {
  readonly maxDelayedSend: number;
  readonly onChosen: (at: number) => void;
  readonly onClose: () => void;
}): ReactNode {
  const { maxDelayedSend, onChosen, onClose } = props;
  const { t, i18n } = useTranslation('compose');
  const [now] = useState(() => new Date());
  const proposals = proposedTimes(now);
  const [typed, setTyped] = useState(localTimeText(proposals.tomorrowMorning));
  const latest = new Date(now.getTime() + maxDelayedSend * 1000);
  const at = new Date(typed).getTime();
  const isWrong = Number.isNaN(at) || at <= now.getTime() || at > latest.getTime();
  const format = new Intl.DateTimeFormat(i18n.language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    hour: 'numeric',
    minute: '2-digit',
  });
  return (
    <Dialog
      title={t('schedule.title')}
      isOpen
      onClose={onClose}
      actions={
        <Button kind="primary" isDisabled={isWrong} onPress={() => onChosen(at)}>
          {t('schedule.send')}
        </Button>
      }
    >
      <div className={styles.choices}>
        {(['tomorrowMorning', 'mondayMorning'] as const).map((name) => (
          <button
            key={name}
            type="button"
            className={styles.choice}
            onClick={() => onChosen(proposals[name].getTime())}
          >
            <span>{t(`schedule.${name}`)}</span>
            <span className={styles.time}>{format.format(proposals[name])}</span>
          </button>
        ))}
      </div>
      <label className={styles.other}>
        <span>{t('schedule.other')}</span>
        <input
          type="datetime-local"
          className={styles.input}
          value={typed}
          min={localTimeText(now)}
          max={localTimeText(latest)}
          aria-invalid={isWrong}
          onChange={(event) => setTyped(event.target.value)}
        />
        {isWrong && (
          <span role="alert" className={styles.error}>
            {t('schedule.wrong', { latest: format.format(latest) })}
          </span>
        )}
      </label>
    </Dialog>
  );
}
