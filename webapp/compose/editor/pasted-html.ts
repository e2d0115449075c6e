/** What is pasted from pages and from Word, made ready for the editor: clean, lists as lists, nothing from elsewhere. */
import { cleanElement, contentOf } from '../clean-html.ts';

/** @param html as the clipboard has it */
export function pastedHtml(html: string): string {
  // The editor's own, copied within it.
  if (html.includes('data-pm-slice')) return html;
  const body = cleanElement(html);
  const isWord = /\bMso[A-Z]|mso-/.test(html);
  if (isWord) wordLists(body);
  // Pictures of the web would be fetched from there by everybody who reads the message.
  for (const picture of body.querySelectorAll('img'))
    if (!/^(?:data|blob):/.test(picture.getAttribute('src') ?? '')) picture.replaceWith(picture.alt);
  // A line is a paragraph here: paragraphs of elsewhere stand apart by an empty one.
  if (!isWord)
    for (const paragraph of body.querySelectorAll('p + p')) paragraph.before(body.ownerDocument.createElement('p'));
  for (const element of body.querySelectorAll('[class]')) element.removeAttribute('class');
  return contentOf(body);
}

/** Word writes an item as a paragraph with its mark in front: `style="mso-list:l0 level2 lfo1"`. */
function wordLists(body: HTMLElement): void {
  const open: Array<{ readonly list: HTMLElement; readonly level: number }> = [];
  for (const paragraph of body.querySelectorAll<HTMLElement>('p')) {
    const level = Number(/mso-list:\s*l\d+\s+level(\d)/i.exec(paragraph.getAttribute('style') ?? '')?.[1] ?? 0);
    if (level === 0) {
      if (paragraph.textContent.trim() !== '') open.length = 0;
      continue;
    }
    const mark = paragraph.querySelector('[style*="mso-list:Ignore" i], [style*="mso-list: Ignore" i]');
    const name = /^\s*(?:\d+|[a-z]{1,4})[.)]/i.test(mark?.textContent ?? '') ? 'ol' : 'ul';
    mark?.remove();
    while ((open.at(-1)?.level ?? 0) > level) open.pop();
    const item = body.ownerDocument.createElement('li');
    const line = body.ownerDocument.createElement('p');
    line.append(...paragraph.childNodes);
    item.append(line);
    const last = open.at(-1);
    if (last?.level === level) {
      last.list.append(item);
      paragraph.remove();
      continue;
    }
    const list = body.ownerDocument.createElement(name);
    list.append(item);
    const parent = last?.list.lastElementChild ?? null;
    if (parent === null) paragraph.replaceWith(list);
    else {
      parent.append(list);
      paragraph.remove();
    }
    open.push({ list, level });
  }
}
