/**
 * A list of people: each a chip, new ones typed, pasted or chosen from what is offered. By keyboard: Enter, comma or Tab
 * takes what is typed or chosen, arrows go through chips and offers, Backspace goes back, Enter on a chip edits it.
 */
import { X } from 'lucide-react';
import {
  type ClipboardEvent,
  type KeyboardEvent,
  type ReactNode,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
} from 'react';
import { useTranslation } from 'react-i18next';
import { Avatar } from '../../ui/avatar.tsx';
import { type Address, isDeliverable, keyOf, readAddresses, writtenAddress } from './address-list.ts';
import styles from './recipients-field.module.css';

export interface RecipientsFieldProps {
  readonly label: string;
  readonly addresses: readonly Address[];
  readonly onChange: (addresses: readonly Address[]) => void;
  readonly suggest: (typed: string, taken: ReadonlySet<string>) => readonly Address[];
  /** Addresses that the server has refused, in lower case. */
  readonly refused: ReadonlySet<string>;
  readonly error?: string | undefined;
  readonly isFocused?: boolean;
  /** Beside the list. */
  readonly children?: ReactNode;
}

export function RecipientsField(props: RecipientsFieldProps): ReactNode {
  const { label, addresses, onChange, suggest, refused, error, isFocused = false, children } = props;
  const { t } = useTranslation('compose');
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const chips = useRef<HTMLDivElement>(null);
  const [typed, setTyped] = useState('');
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const taken = useMemo(() => new Set(addresses.map(keyOf)), [addresses]);
  const offered = useMemo(() => (isOpen ? suggest(typed, taken) : []), [isOpen, suggest, typed, taken]);
  const chosen = offered[Math.min(active, offered.length - 1)];

  useEffect(() => {
    if (isFocused) input.current?.focus();
  }, [isFocused]);

  const add = (more: readonly Address[]): void => {
    const fresh = more.filter((one) => !taken.has(keyOf(one)));
    if (fresh.length > 0) onChange([...addresses, ...fresh]);
    setTyped('');
    setOpen(false);
    setActive(0);
  };
  const remove = (at: number): void => {
    onChange(addresses.filter((_, other) => other !== at));
    input.current?.focus();
  };
  const edit = (at: number): void => {
    const address = addresses[at];
    if (address === undefined) return;
    remove(at);
    setTyped(writtenAddress(address));
  };
  const focusChip = (at: number): void => {
    const buttons = chips.current?.querySelectorAll<HTMLElement>('[data-chip]');
    if (buttons === undefined) return;
    if (at >= buttons.length) input.current?.focus();
    else buttons[Math.max(0, at)]?.focus();
  };

  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.nativeEvent.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const isAtStart = event.currentTarget.selectionStart === 0 && event.currentTarget.selectionEnd === 0;
    switch (event.key) {
      case 'ArrowDown':
      case 'ArrowUp': {
        if (offered.length === 0) return;
        const step = event.key === 'ArrowDown' ? 1 : -1;
        setActive((active + step + offered.length) % offered.length);
        break;
      }
      case 'Enter':
      case 'Tab':
        if (event.key === 'Tab' && (event.shiftKey || typed.trim() === '')) return;
        if (chosen !== undefined) add([{ name: chosen.name, email: chosen.email }]);
        else if (typed.trim() === '') return;
        else add(readAddresses(typed));
        break;
      case ',':
      case ';':
        // Within a name that is quoted they are part of it.
        if (typed.trim() === '' || /^[^"]*"[^"]*$/.test(typed)) return;
        add(readAddresses(typed));
        break;
      case 'Escape':
        if (offered.length === 0) return;
        event.stopPropagation();
        setOpen(false);
        break;
      case 'Backspace':
      case 'ArrowLeft':
        if (!isAtStart || addresses.length === 0) return;
        focusChip(addresses.length - 1);
        break;
      default:
        return;
    }
    event.preventDefault();
  };
  const onChipKey = (event: KeyboardEvent<HTMLElement>, at: number): void => {
    switch (event.key) {
      case 'ArrowLeft':
        focusChip(at - 1);
        break;
      case 'ArrowRight':
        focusChip(at + 1);
        break;
      case 'Backspace':
      case 'Delete':
        remove(at);
        break;
      case 'Enter':
      case ' ':
      case 'F2':
        edit(at);
        break;
      default:
        return;
    }
    event.preventDefault();
  };
  const onPaste = (event: ClipboardEvent<HTMLInputElement>): void => {
    const text = event.clipboardData.getData('text/plain');
    // One word is written on; a list, or an address as a whole, stands as it is.
    if (!/[,;\n<]/.test(text) && !isDeliverable(text.trim())) return;
    event.preventDefault();
    add(readAddresses(typed + text));
  };

  return (
    <div className={styles.row}>
      <label className={styles.label} htmlFor={`${id}-input`}>
        {label}
      </label>
      <div className={styles.main}>
        <div ref={chips} className={styles.chips}>
          {addresses.map((address, at) => {
            const isWrong = !isDeliverable(address.email) || refused.has(keyOf(address));
            return (
              <span
                key={keyOf(address)}
                className={isWrong ? `${styles.chip} ${styles.wrong}` : styles.chip}
                title={writtenAddress(address)}
              >
                <button
                  type="button"
                  data-chip=""
                  tabIndex={-1}
                  className={styles.name}
                  aria-label={t(isWrong ? 'recipients.wrong' : 'recipients.chip', { address: writtenAddress(address) })}
                  onKeyDown={(event) => onChipKey(event, at)}
                  onDoubleClick={() => edit(at)}
                >
                  {address.name ?? address.email}
                </button>
                <button
                  type="button"
                  tabIndex={-1}
                  className={styles.remove}
                  aria-label={t('recipients.remove', { address: address.name ?? address.email })}
                  onClick={() => remove(at)}
                >
                  <X size={13} aria-hidden />
                </button>
              </span>
            );
          })}
          <input
            ref={input}
            id={`${id}-input`}
            className={styles.input}
            role="combobox"
            aria-autocomplete="list"
            aria-expanded={offered.length > 0}
            aria-controls={`${id}-list`}
            aria-activedescendant={chosen === undefined ? undefined : `${id}-${keyOf(chosen)}`}
            aria-invalid={error !== undefined}
            aria-describedby={error === undefined ? undefined : `${id}-error`}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            inputMode="email"
            value={typed}
            onChange={(event) => {
              setTyped(event.target.value);
              setOpen(true);
              setActive(0);
            }}
            onKeyDown={onKeyDown}
            onPaste={onPaste}
            onBlur={() => {
              setOpen(false);
              if (typed.trim() !== '') add(readAddresses(typed));
            }}
          />
          <div className={styles.place}>
            <div
              id={`${id}-list`}
              role="listbox"
              aria-label={t('recipients.offers', { field: label })}
              className={styles.offers}
              hidden={offered.length === 0}
            >
              {offered.map((one) => (
                // Keys are the input's: a listbox that never has the focus.
                // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
                <div
                  key={one.email}
                  id={`${id}-${keyOf(one)}`}
                  role="option"
                  aria-selected={one === chosen}
                  className={styles.offer}
                  // The input keeps the focus, or it would take what was typed as it is.
                  onMouseDown={(event) => event.preventDefault()}
                  onClick={() => add([{ name: one.name, email: one.email }])}
                >
                  <Avatar name={one.name ?? ''} address={one.email} size={28} />
                  <span className={styles.person}>
                    <span>{one.name ?? one.email}</span>
                    {one.name !== null && <span className={styles.email}>{one.email}</span>}
                  </span>
                </div>
              ))}
            </div>
          </div>
        </div>
        {error !== undefined && (
          <p id={`${id}-error`} role="alert" className={styles.error}>
            {error}
          </p>
        )}
      </div>
      {children}
    </div>
  );
}
