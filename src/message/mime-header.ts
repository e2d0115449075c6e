/** The MIME fields of one entity (RFC 2045 §3, RFC 2183, RFC 1864, RFC 3282, RFC 2557) as octet strings. */
import { fieldNumber, UNKNOWN_FIELD } from './field-names.ts';
import { FIELD_STRIDE } from './headers.ts';
import { fieldValue } from './octet-string.ts';
import {
  type ContentType,
  type Disposition,
  parseContentType,
  parseDisposition,
  parseToken,
  type Parameter,
} from './parameters.ts';

export interface MimeHeader {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: readonly Parameter[];
  /** `<…>` as written. */
  readonly id: string | null;
  readonly description: string | null;
  /** Lower case, `7bit` when missing. */
  readonly encoding: string;
  readonly md5: string | null;
  readonly disposition: Disposition | null;
  readonly languages: readonly string[];
  readonly location: string | null;
}

const CONTENT_TYPE = fieldNumber('content-type');
const ENCODING = fieldNumber('content-transfer-encoding');
const DESCRIPTION = fieldNumber('content-description');
const ID = fieldNumber('content-id');
const MD5 = fieldNumber('content-md5');
const DISPOSITION = fieldNumber('content-disposition');
const LANGUAGE = fieldNumber('content-language');
const LOCATION = fieldNumber('content-location');

/** RFC 2045 §5.2: what an entity is that does not say or cannot be understood. */
export const PLAIN_TEXT: ContentType = {
  type: 'text',
  subtype: 'plain',
  parameters: [{ name: 'charset', value: 'us-ascii' }],
};
/** RFC 2046 §5.1.5: the same inside multipart/digest. */
const ENCLOSED_MESSAGE: ContentType = { type: 'message', subtype: 'rfc822', parameters: [] };

/** MIME-Version is not asked for: mail without it is read as MIME by every program. Of repeated fields the first counts. */
export function readMimeHeader(header: string, fields: readonly number[], inDigest: boolean): MimeHeader {
  let contentType: ContentType | null | undefined;
  let encoding = '';
  let description: string | null = null;
  let id: string | null = null;
  let md5: string | null = null;
  let disposition: Disposition | null = null;
  let languages: readonly string[] = [];
  let location: string | null = null;
  for (let i = 0; i < fields.length; i += FIELD_STRIDE) {
    const field = fields[i]!;
    if (field === UNKNOWN_FIELD) continue;
    const value = (): string => fieldValue(header, fields[i + 2]!, fields[i + 3]!);
    if (field === CONTENT_TYPE) contentType ??= parseContentType(value());
    else if (field === ENCODING) encoding ||= parseToken(value());
    else if (field === DESCRIPTION) description ??= value();
    else if (field === ID) id ??= value();
    else if (field === MD5) md5 ??= value();
    else if (field === DISPOSITION) disposition ??= parseDisposition(value());
    else if (field === LANGUAGE) languages = languages.length > 0 ? languages : languageTags(value());
    else if (field === LOCATION) location ??= value();
  }
  // A field that is there but unreadable is text; only a missing one follows the digest rule.
  const { type, subtype, parameters } =
    contentType ?? (inDigest && contentType === undefined ? ENCLOSED_MESSAGE : PLAIN_TEXT);
  return {
    type,
    subtype,
    parameters,
    id,
    description,
    encoding: encoding || '7bit',
    md5,
    disposition,
    languages,
    location,
  };
}

/** RFC 3282 §2: tags between commas, comments taken off. */
function languageTags(value: string): string[] {
  return value
    .split(',')
    .map((tag) => parseToken(tag))
    .filter((tag) => tag !== '')
    .slice(0, 50);
}
