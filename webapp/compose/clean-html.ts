/**
 * HTML of others (originals, drafts, signatures, what is pasted) as it may stand in a message that is written here:
 * through DOMPurify, whatever it has passed before. The app's CSP lets no HTML become nodes otherwise.
 */
import DOMPurify from 'dompurify';

/** As the library's own, and pictures that are still on their way up. */
const ADDRESSES = /^(?:(?:https?|mailto|tel|cid|blob):|[^a-z]|[a-z+.-]+(?:[^a-z+.\-:]|$))/i;
const NO_FORMS = ['form', 'input', 'button', 'select', 'textarea', 'audio', 'video', 'dialog'];

/** Whole documents that are put into a frame of their own, with their looks. */
export function cleanMail(html: string): string {
  return DOMPurify.sanitize(html, {
    USE_PROFILES: { html: true },
    ALLOW_DATA_ATTR: false,
    FORBID_ATTR: ['target', 'rel', 'name'],
    FORBID_TAGS: NO_FORMS,
    FORCE_BODY: true,
  });
}

/** For the editor, which keeps what it knows of it. */
export function cleanContent(html: string): string {
  return DOMPurify.sanitize(html, {
    USE_PROFILES: { html: true },
    FORBID_TAGS: [...NO_FORMS, 'style'],
    ALLOWED_URI_REGEXP: ADDRESSES,
    FORBID_ATTR: ['id', 'name'],
  });
}

/** Nodes for a frame's document. */
export function cleanNodes(html: string): DocumentFragment {
  return DOMPurify.sanitize(html, {
    USE_PROFILES: { html: true },
    ALLOW_DATA_ATTR: false,
    FORBID_TAGS: NO_FORMS,
    FORCE_BODY: true,
    RETURN_DOM_FRAGMENT: true,
  });
}

/** The editor's library makes nodes of text itself: the page's default policy cleans that, too. Once for the page. */
export function guardHtml(): void {
  if (isGuarded || window.trustedTypes === undefined || window.trustedTypes.defaultPolicy !== null) return;
  isGuarded = true;
  window.trustedTypes.createPolicy('default', {
    createHTML: (html) => DOMPurify.sanitize(html, { RETURN_TRUSTED_TYPE: false, ALLOWED_URI_REGEXP: ADDRESSES }),
  });
}
let isGuarded = false;
