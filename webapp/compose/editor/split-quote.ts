/** Enter within a quote opens it, so that one can answer in between. */

/** False: the cursor is in no quote. */
export function splitQuote(document: Document): boolean {
  const selection = document.getSelection();
  if (selection === null || selection.rangeCount === 0) return false;
  const range = selection.getRangeAt(0);
  const quote = outermostQuote(range.startContainer);
  if (quote === null) return false;
  range.deleteContents();
  const rest = document.createRange();
  rest.setStart(range.startContainer, range.startOffset);
  rest.setEndAfter(quote);
  const below = rest.extractContents();
  const line = document.createElement('div');
  line.append(document.createElement('br'));
  quote.after(line);
  if (below.textContent?.trim() !== '' || below.querySelector('img') !== null) line.after(below);
  selection.collapse(line, 0);
  return true;
}

function outermostQuote(node: Node): Element | null {
  let found: Element | null = null;
  for (let at: Node | null = node; at !== null; at = at.parentNode)
    if (at instanceof (at.ownerDocument?.defaultView?.Element ?? Element) && at.localName === 'blockquote') found = at;
  return found;
}
