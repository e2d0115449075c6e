/** The line between two panes: drawn with the pointer, or with the arrow keys (WAI-ARIA window splitter). */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { type Pane, PANE_LIMITS, type PaneWidths } from './pane-widths.ts';
import styles from './pane-edge.module.css';

const STEP = 16;

export function PaneEdge(props: {
  readonly pane: Pane;
  readonly widths: PaneWidths;
  readonly onResize: (pane: Pane, width: number) => void;
}): ReactNode {
  const { pane, widths, onResize } = props;
  const { t } = useTranslation('mail');
  const width = widths[pane];
  return (
    // A splitter takes focus and keys; the rule knows separators only as lines.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      role="separator"
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      aria-orientation="vertical"
      aria-label={t(`panes.edge.${pane}`)}
      aria-valuenow={width}
      aria-valuemin={PANE_LIMITS[pane].least}
      aria-valuemax={PANE_LIMITS[pane].most}
      className={styles.edge}
      onPointerDown={(event) => {
        const from = event.clientX - width;
        const { currentTarget, pointerId } = event;
        currentTarget.setPointerCapture(pointerId);
        currentTarget.onpointermove = ({ clientX }) => onResize(pane, clientX - from);
        currentTarget.onlostpointercapture = () => {
          currentTarget.onpointermove = null;
        };
      }}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
        event.preventDefault();
        event.stopPropagation();
        onResize(pane, width + (event.key === 'ArrowLeft' ? -STEP : STEP));
      }}
    />
  );
}
