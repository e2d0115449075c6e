/** The fields of a message's header that envelope, search and sorting need, unfolded, as octet strings. */
import { type Address, parseAddressList } from './address-list.ts';
import { type KnownField, UNKNOWN_FIELD } from './field-names.ts';
import { FIELD_STRIDE } from './headers.ts';
import { fieldValue } from './octet-string.ts';

/** In the order of COMMON_FIELDS, which this list begins. */
const READ = [
  'from',
  'to',
  'cc',
  'bcc',
  'sender',
  'reply-to',
  'subject',
  'date',
  'message-id',
  'in-reply-to',
  'references',
] as const satisfies readonly KnownField[];
type ReadField = (typeof READ)[number];
const SLOT: Readonly<Record<ReadField, number>> = {
  from: 0,
  to: 1,
  cc: 2,
  bcc: 3,
  sender: 4,
  'reply-to': 5,
  subject: 6,
  date: 7,
  'message-id': 8,
  'in-reply-to': 9,
  references: 10,
};
const ADDRESS_SLOTS = 6;

export type AddressField = 'from' | 'to' | 'cc' | 'bcc' | 'sender' | 'reply-to';

export class MessageHeader {
  readonly #values: Array<string | null> = [null, null, null, null, null, null, null, null, null, null, null];
  readonly #addresses: Array<Address[] | undefined> = [];

  /**
   * Repeated address fields are read as one list; of other repeated fields the first counts (RFC 5322 §3.6 allows
   * each once, RFC 7103 §7.7 describes what comes).
   */
  constructor(header: string, fields: readonly number[]) {
    for (let i = 0; i < fields.length; i += FIELD_STRIDE) {
      const field = fields[i]!;
      if (field === UNKNOWN_FIELD || field >= READ.length) continue;
      const before = this.#values[field]!;
      if (before !== null && field >= ADDRESS_SLOTS) continue;
      const value = fieldValue(header, fields[i + 2]!, fields[i + 3]!);
      this.#values[field] = before === null || before === '' ? value : `${before}, ${value}`;
    }
  }

  /** Null when the field is missing. */
  value(field: ReadField): string | null {
    return this.#values[SLOT[field]]!;
  }

  addresses(field: AddressField): readonly Address[] {
    const slot = SLOT[field];
    const value = this.#values[slot]!;
    return (this.#addresses[slot] ??= value === null || value === '' ? [] : parseAddressList(value));
  }
}
