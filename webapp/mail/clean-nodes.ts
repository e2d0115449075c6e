/**
 * HTML of mail as nodes for the frame it is shown in: DOMPurify behind the server's sanitizer (ADR 12 §5), made for the
 * frame's own window, so that not even its parser runs in the app's document.
 */
import createPurifier, { type WindowLike } from 'dompurify';

/** What the server has not set itself; anything of it that turns up here got past the server. */
const FORBIDDEN = {
  FORBID_TAGS: 'style form input button select option textarea video audio source picture'.split(' '),
  FORBID_ATTR: 'name srcset poster background action tabindex contenteditable slot'.split(' '),
};
const ADDRESSED = new Set(['href', 'src', 'cite', 'longdesc', 'usemap']);
const ADDRESSES = /^(?:https?:|mailto:|tel:|data:image\/(?:png|gif|jpe?g|webp|bmp|avif);|\/jmap\/download\/|#m-)/i;

export function cleanNodes(html: string, window: WindowLike): DocumentFragment {
  const purifier = createPurifier(window);
  // The library's own rule for addresses is asked of every attribute; this one of addresses alone.
  purifier.addHook('uponSanitizeAttribute', (_, attribute) => {
    if (ADDRESSED.has(attribute.attrName) && !ADDRESSES.test(attribute.attrValue)) attribute.keepAttr = false;
  });
  return purifier.sanitize(html, {
    RETURN_DOM_FRAGMENT: true,
    USE_PROFILES: { html: true },
    // Not part of the profile; the server has set it.
    ADD_ATTR: ['target'],
    ...FORBIDDEN,
  });
}
