/** Comma-separated values (RFC 4180), both ways. Pure. */

export function csvLine(fields: readonly string[]): string {
  return fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(',');
}

/** Records of fields; quoted fields may hold line ends. A last record without a line end counts. */
export function* csvRecords(text: string): Iterable<readonly string[]> {
  let fields: string[] = [];
  let field = '';
  let quoted = false;
  let begun = false;
  for (let at = text.startsWith('\ufeff') ? 1 : 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quoted) {
      if (character !== '"') field += character;
      else if (text.charAt(at + 1) === '"') {
        field += '"';
        at += 1;
      } else quoted = false;
      continue;
    }
    if (character === '"' && field === '') {
      quoted = true;
      begun = true;
    } else if (character === ',') {
      fields.push(field);
      field = '';
      begun = true;
    } else if (character === '\n' || (character === '\r' && text.charAt(at + 1) === '\n')) {
      if (character === '\r') at += 1;
      if (begun || field !== '') yield [...fields, field];
      fields = [];
      field = '';
      begun = false;
    } else field += character;
  }
  if (begun || field !== '') yield [...fields, field];
}
