/** What the editor can hold (Tiptap): the text of a letter, lists, quotes, code, links, pictures, and the signature. */
import { Node } from '@tiptap/core';
import { Image } from '@tiptap/extension-image';
import { Link } from '@tiptap/extension-link';
import { Placeholder } from '@tiptap/extension-placeholder';
import { StarterKit } from '@tiptap/starter-kit';
import { SIGNATURE_CLASS } from '../text/mail-html.ts';

/** A block of its own, so that it can be exchanged for another one. */
const Signature = Node.create({
  name: 'signature',
  group: 'block',
  content: 'block+',
  defining: true,
  parseHTML: () => [{ tag: `div.${SIGNATURE_CLASS}` }],
  renderHTML: () => ['div', { class: SIGNATURE_CLASS }, 0],
});

export function extensions(placeholder: string) {
  return [
    StarterKit.configure({
      heading: { levels: [1, 2, 3] },
      link: false,
      // The browser's own undo knows nothing of the editor's.
      undoRedo: { depth: 200 },
      trailingNode: false,
    }),
    Image.configure({ inline: true, allowBase64: true }),
    Link.configure({
      openOnClick: false,
      autolink: true,
      linkOnPaste: true,
      defaultProtocol: 'https',
      HTMLAttributes: { target: null, rel: null },
    }),
    Placeholder.configure({ placeholder }),
    Signature,
  ];
}
