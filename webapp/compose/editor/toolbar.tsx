/** The tools of rich text: one stop of the Tab key, arrows go from tool to tool. */
import type { Editor } from '@tiptap/core';
import { useEditorState } from '@tiptap/react';
import {
  Bold,
  Code,
  ImagePlus,
  Italic,
  Link as LinkIcon,
  List,
  ListOrdered,
  type LucideIcon,
  Quote as QuoteIcon,
  RemoveFormatting,
  Strikethrough,
  Underline,
} from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Button as AriaButton } from 'react-aria-components/Button';
import { ToggleButton } from 'react-aria-components/ToggleButton';
import { Toolbar as AriaToolbar } from 'react-aria-components/Toolbar';
import { createPortal } from 'react-dom';
import { useTranslation } from 'react-i18next';
import { Menu, MenuItem, MenuSection } from '../../ui/menu.tsx';
import { LinkDialog } from './link-dialog.tsx';
import styles from './toolbar.module.css';

interface Tool {
  readonly name: 'bold' | 'italic' | 'underline' | 'strike' | 'bulletList' | 'orderedList' | 'blockquote' | 'codeBlock';
  readonly icon: LucideIcon;
  readonly keys: string;
  readonly run: (editor: Editor) => void;
}

const TOOLS: readonly Tool[] = [
  { name: 'bold', icon: Bold, keys: 'Ctrl+B', run: (editor) => editor.chain().focus().toggleBold().run() },
  { name: 'italic', icon: Italic, keys: 'Ctrl+I', run: (editor) => editor.chain().focus().toggleItalic().run() },
  {
    name: 'underline',
    icon: Underline,
    keys: 'Ctrl+U',
    run: (editor) => editor.chain().focus().toggleUnderline().run(),
  },
  {
    name: 'strike',
    icon: Strikethrough,
    keys: 'Ctrl+Shift+S',
    run: (editor) => editor.chain().focus().toggleStrike().run(),
  },
  {
    name: 'bulletList',
    icon: List,
    keys: 'Ctrl+Shift+8',
    run: (editor) => editor.chain().focus().toggleBulletList().run(),
  },
  {
    name: 'orderedList',
    icon: ListOrdered,
    keys: 'Ctrl+Shift+7',
    run: (editor) => editor.chain().focus().toggleOrderedList().run(),
  },
  {
    name: 'blockquote',
    icon: QuoteIcon,
    keys: 'Ctrl+Shift+9',
    run: (editor) => editor.chain().focus().toggleBlockquote().run(),
  },
  {
    name: 'codeBlock',
    icon: Code,
    keys: 'Ctrl+Alt+C',
    run: (editor) => editor.chain().focus().toggleCodeBlock().run(),
  },
];

const HEADINGS = ['paragraph', '1', '2', '3'] as const;
type Heading = (typeof HEADINGS)[number];

export function Toolbar(props: {
  readonly editor: Editor;
  readonly place: HTMLElement | null;
  readonly onInsertPicture: () => void;
}): ReactNode {
  const { editor, place, onInsertPicture } = props;
  const { t } = useTranslation('compose');
  const [isLinking, setLinking] = useState(false);
  const state = useEditorState({
    editor,
    selector: ({ editor: present }) => ({
      active: TOOLS.filter(({ name }) => present.isActive(name)).map(({ name }) => name),
      isLink: present.isActive('link'),
      heading:
        HEADINGS.find((one) => one !== 'paragraph' && present.isActive('heading', { level: Number(one) })) ??
        'paragraph',
    }),
  });
  if (place === null) return null;
  return createPortal(
    <>
      <AriaToolbar aria-label={t('tools.label')} className={styles.tools}>
        <Menu
          label={t('tools.heading')}
          placement="top start"
          trigger={
            <AriaButton
              className={styles.heading}
              aria-label={`${t('tools.heading')}: ${t(`tools.headings.${state.heading}`)}`}
            >
              {t(`tools.headings.${state.heading}`)}
            </AriaButton>
          }
        >
          <MenuSection
            label={t('tools.heading')}
            selectionMode="single"
            disallowEmptySelection
            selectedKeys={[state.heading]}
            onSelectionChange={(keys) => {
              const chosen = HEADINGS.find((one) => keys === 'all' || keys.has(one));
              if (chosen !== undefined) setHeading(editor, chosen);
            }}
          >
            {HEADINGS.map((one) => (
              <MenuItem key={one} id={one} label={t(`tools.headings.${one}`)} />
            ))}
          </MenuSection>
        </Menu>
        {TOOLS.map(({ name, icon: Icon, keys, run }) => (
          <ToggleButton
            key={name}
            className={styles.tool}
            aria-label={t(`tools.${name}`)}
            aria-keyshortcuts={keys.replace('Ctrl', 'Control')}
            isSelected={state.active.includes(name)}
            onChange={() => run(editor)}
          >
            <Icon size={17} aria-hidden />
          </ToggleButton>
        ))}
        <ToggleButton
          className={styles.tool}
          aria-label={t('tools.link')}
          aria-keyshortcuts="Control+K"
          isSelected={state.isLink}
          onChange={() => setLinking(true)}
        >
          <LinkIcon size={17} aria-hidden />
        </ToggleButton>
        <AriaButton className={styles.tool} aria-label={t('tools.picture')} onPress={onInsertPicture}>
          <ImagePlus size={17} aria-hidden />
        </AriaButton>
        <AriaButton
          className={styles.tool}
          aria-label={t('tools.clear')}
          onPress={() => editor.chain().focus().unsetAllMarks().clearNodes().run()}
        >
          <RemoveFormatting size={17} aria-hidden />
        </AriaButton>
      </AriaToolbar>
      {isLinking && <LinkDialog editor={editor} onClose={() => setLinking(false)} />}
    </>,
    place,
  );
}

function setHeading(editor: Editor, heading: Heading): void {
  const chain = editor.chain().focus();
  switch (heading) {
    case 'paragraph':
      chain.setParagraph().run();
      break;
    case '1':
      chain.setHeading({ level: 1 }).run();
      break;
    case '2':
      chain.setHeading({ level: 2 }).run();
      break;
    case '3':
      chain.setHeading({ level: 3 }).run();
      break;
  }
}
