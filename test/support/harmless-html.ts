/**
 * Judges HTML and CSS that are to be shown: names everything in them that could act, fetch, or cover the page. Written
 * from what is dangerous, not from what the sanitizer allows, so that the two can disagree.
 */
import { Parser } from 'htmlparser2';

const ACTIVE = new Set(
  'script style iframe frame frameset object embed applet form input button select option textarea keygen base meta link svg math template noscript video audio source track picture portal dialog slot canvas map area title head html body marquee bgsound xml isindex plaintext xmp listing noembed noframes'.split(
    ' ',
  ),
);
const ADDRESSED = new Set([
  'src',
  'srcset',
  'background',
  'poster',
  'data',
  'action',
  'formaction',
  'ping',
  'cite',
  'xlink:href',
  'lowsrc',
  'dynsrc',
  'longdesc',
  'usemap',
  'manifest',
  'profile',
  'codebase',
  'classid',
  'archive',
  'srcdoc',
  'attributionsrc',
  'imagesrcset',
]);
const OWN = /^\/jmap\/download\/[\w-]+\/\w+\/[^/]*$/;
const PICTURE = /^data:image\/(?:png|gif|jpe?g|webp|bmp|avif);base64,[A-Za-z0-9+/=\s]*$/i;

export function whatHarms(html: string, css: string): readonly string[] {
  const harm: string[] = [];
  const parser = new Parser({
    onopentag: (name, attributes) => {
      if (ACTIVE.has(name) || name.includes('-') || name.includes(':')) harm.push(`<${name}>`);
      for (const [attribute, value] of Object.entries(attributes)) harm.push(...attributeHarm(name, attribute, value));
    },
    oncomment: () => harm.push('a comment'),
    onprocessinginstruction: () => harm.push('a processing instruction'),
  });
  parser.end(html);
  harm.push(...styleHarm(css).map((one) => `style sheet: ${one}`));
  return harm;
}

function attributeHarm(element: string, attribute: string, value: string): readonly string[] {
  const where = `<${element} ${attribute}="${value.slice(0, 100)}">`;
  if (/^on/i.test(attribute) || /[^a-z-]/.test(attribute)) return [where];
  if (['name', 'tabindex', 'contenteditable', 'autofocus', 'is', 'slot', 'nonce', 'http-equiv'].includes(attribute))
    return [where];
  if (attribute === 'style') return styleHarm(value).map((one) => `${where}: ${one}`);
  if (attribute === 'id' && !value.startsWith('m-')) return [where];
  if (attribute === 'target' && value !== '_blank') return [where];
  if (attribute === 'href') return element === 'a' && /^(?:https?:\/\/|mailto:|tel:|#m-)/.test(value) ? [] : [where];
  if (ADDRESSED.has(attribute))
    return element === 'img' && attribute === 'src' && (OWN.test(value) || PICTURE.test(value)) ? [] : [where];
  return [];
}

function styleHarm(style: string): readonly string[] {
  const harm: string[] = [];
  for (const [, address = ''] of style.matchAll(/url\(\s*["']?([^"')]*)/gi))
    if (!OWN.test(address) && !PICTURE.test(address)) harm.push(`url(${address})`);
  const refused =
    /@(?!media\b)|\\|<|expression\(|javascript|behavior|binding|image-set\(|cross-fade\(|element\(|attr\(|var\(|(?<![\w-])(?:position|content)\s*:|z-index|\[(?!data-mail-body\])/i;
  const found = refused.exec(style);
  if (found !== null) harm.push(found[0]);
  return harm;
}
