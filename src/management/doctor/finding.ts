/** What `penfold doctor` says of one thing it looked at. */
export interface Finding {
  /** `ok`; `advice`: works, could be better; `problem`: somebody cannot do something; `unknown`: could not be looked at. */
  readonly verdict: 'ok' | 'advice' | 'problem' | 'unknown';
  readonly area:
    | 'permissions'
    | 'disk'
    | 'clock'
    | 'services'
    | 'ports'
    | 'certificates'
    | 'DNS'
    | 'settings'
    | 'health';
  readonly text: string;
  /** What to type or to do; null: nothing. */
  readonly fix: string | null;
}

type Area = Finding['area'];

export const ok = (area: Area, text: string): Finding => ({ verdict: 'ok', area, text, fix: null });
export const advice = (area: Area, text: string, fix: string | null): Finding => ({
  verdict: 'advice',
  area,
  text,
  fix,
});
export const problem = (area: Area, text: string, fix: string | null): Finding => ({
  verdict: 'problem',
  area,
  text,
  fix,
});
export const unknown = (area: Area, text: string, fix: string | null = null): Finding => ({
  verdict: 'unknown',
  area,
  text,
  fix,
});
