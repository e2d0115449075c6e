/**
 * HTML of others (originals, drafts, signatures, what is pasted) as it may stand in a message that is written here:
 * through DOMPurify, whatever it has passed before. It works in a document of its own (`/frame/text`): in the app's,
 * every style attribute that it reads would be an inline style to the app's policy.
 */
import DOMPurify, { type Config, type DOMPurify as Purifier } from 'dompurify';

/** As the library's own, and pictures that are still on their way up. */
const ADDRESSES = /^(?:(?:https?|mailto|tel|cid|blob):|[^a-z]|[a-z+.-]+(?:[^a-z+.\-:]|$))/i;
const MAIL: Config = {
  USE_PROFILES: { html: true },
  ALLOW_DATA_ATTR: false,
  FORBID_TAGS: ['form', 'input', 'button', 'select', 'textarea', 'audio', 'video', 'dialog'],
  FORBID_ATTR: ['target', 'rel', 'name'],
  ALLOWED_URI_REGEXP: ADDRESSES,
  FORCE_BODY: true,
};

interface Room {
  readonly document: Document;
  readonly purifier: Purifier;
}

let room: Room | null = null;
let opening: Promise<void> | null = null;

/** Before anything is cleaned. Once for the page. */
export function openCleaning(): Promise<void> {
  opening ??= new Promise((resolve, reject) => {
    const frame = document.createElement('iframe');
    frame.hidden = true;
    frame.title = '';
    frame.setAttribute('aria-hidden', 'true');
    frame.setAttribute('sandbox', 'allow-same-origin');
    frame.src = '/frame/text';
    frame.onload = () => {
      const inside = frame.contentWindow;
      if (inside === null || frame.contentDocument === null) {
        reject(new Error('the document in which mail is cleaned could not be opened'));
        return;
      }
      room = {
        // Of the frame's policy, and shown nowhere: no picture in it is fetched.
        document: frame.contentDocument.implementation.createHTMLDocument(''),
        purifier: DOMPurify(frame.contentDocument.defaultView ?? undefined),
      };
      resolve();
    };
    document.body.append(frame);
  });
  return opening;
}

function present(): Room {
  if (room === null) throw new Error('nothing can be cleaned before openCleaning');
  return room;
}

/** Whole documents that are put into a frame of their own, with their looks. */
export const cleanMail = (html: string): string => present().purifier.sanitize(html, MAIL);

/** The same as nodes of the document in which they will be shown. */
export function cleanNodes(html: string, shownIn: Document): DocumentFragment {
  const purifier = DOMPurify(shownIn.defaultView ?? undefined);
  return shownIn.importNode(purifier.sanitize(html, { ...MAIL, RETURN_DOM_FRAGMENT: true }), true);
}

/** To be looked at and changed, never to be shown. */
export function cleanElement(html: string): HTMLElement {
  const { document, purifier } = present();
  const element = document.createElement('div');
  element.append(document.importNode(purifier.sanitize(html, { ...MAIL, RETURN_DOM_FRAGMENT: true }), true));
  return element;
}

/** For the editor: what styles say that it knows is said by elements, the rest goes. */
export function cleanContent(html: string): string {
  return contentOf(cleanElement(html));
}

export function contentOf(element: HTMLElement): string {
  for (const style of element.querySelectorAll('style')) style.remove();
  // Elements of another window: `instanceof` knows nothing of them.
  for (const styled of element.querySelectorAll<HTMLElement>('[style]')) {
    const { fontWeight, fontStyle, textDecorationLine } = styled.style;
    const isPlainBold =
      (styled.localName === 'b' || styled.localName === 'strong') && /^(?:normal|400)$/.test(fontWeight);
    if (isPlainBold) styled.replaceWith(...styled.childNodes);
    else if (styled.localName === 'span') {
      if (/^(?:bold|[6-9]00)$/.test(fontWeight)) wrapContent(styled, 'strong');
      if (fontStyle === 'italic') wrapContent(styled, 'em');
      if (textDecorationLine.includes('underline')) wrapContent(styled, 'u');
      if (textDecorationLine.includes('line-through')) wrapContent(styled, 's');
    }
    styled.removeAttribute('style');
  }
  for (const named of element.querySelectorAll('[id]')) named.removeAttribute('id');
  return element.innerHTML;
}

function wrapContent(element: HTMLElement, name: string): void {
  const wrapper = element.ownerDocument.createElement(name);
  wrapper.append(...element.childNodes);
  element.append(wrapper);
}

/** The editor's library makes nodes of text itself: the page's default policy cleans that, too. Once for the page. */
export function guardHtml(): void {
  if (window.trustedTypes === undefined || window.trustedTypes.defaultPolicy !== null) return;
  window.trustedTypes.createPolicy('default', {
    createHTML: (html) => DOMPurify.sanitize(html, { RETURN_TRUSTED_TYPE: false, ALLOWED_URI_REGEXP: ADDRESSES }),
  });
}
