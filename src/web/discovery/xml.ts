/** Writing small XML documents (XML 1.0): elements, text, escaping. Reads nothing. */

export interface Element {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly content: string | readonly Element[];
}

export const element = (
  name: string,
  content: string | number | readonly Element[],
  attributes?: Readonly<Record<string, string>>,
): Element => ({
  name,
  content: typeof content === 'number' ? String(content) : content,
  ...(attributes === undefined ? {} : { attributes }),
});

export function xmlDocument(root: Element, doctype = ''): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${doctype}${written(root, '')}`;
}

function written({ name, attributes = {}, content }: Element, indent: string): string {
  const head = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escaped(value)}"`)
    .join('');
  if (content.length === 0) return `${indent}<${name}${head}/>\n`;
  if (typeof content === 'string') return `${indent}<${name}${head}>${escaped(content)}</${name}>\n`;
  const inner = content.map((one) => written(one, `${indent}  `)).join('');
  return `${indent}<${name}${head}>\n${inner}${indent}</${name}>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Characters that XML 1.0 §2.2 does not allow are left out: no escape makes them legal. */
function escaped(text: string): string {
  return text
    .replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '')
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
