/** A page of several topics: the list of them beside the one that is open; above it on a narrow screen. */
import { type ReactNode, useEffect, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import styles from './topics.module.css';

export interface Topic {
  readonly path: string;
  readonly label: string;
}

export interface TopicsProps {
  readonly label: string;
  readonly groups: ReadonlyArray<{ readonly label: string; readonly topics: readonly Topic[] }>;
  /** The topic takes the whole width. */
  readonly isWide?: boolean;
  readonly children: ReactNode;
}

export function Topics({ label, groups, isWide = false, children }: TopicsProps): ReactNode {
  return (
    <div className={styles.page}>
      <nav className={styles.nav} aria-label={label}>
        {groups
          .filter(({ topics }) => topics.length > 0)
          .map((group) => (
            <div key={group.label} className={styles.group}>
              <h2 className={styles.groupName}>{group.label}</h2>
              {group.topics.map((topic) => (
                <TopicLink key={topic.path} topic={topic} />
              ))}
            </div>
          ))}
      </nav>
      <div className={isWide ? `${styles.content} ${styles.wide}` : styles.content}>{children}</div>
    </div>
  );
}

function TopicLink({ topic }: { readonly topic: Topic }): ReactNode {
  const [location] = useLocation();
  const link = useRef<HTMLAnchorElement>(null);
  const isHere = location === topic.path || location.startsWith(`${topic.path}/`);
  // On a narrow screen the list is a row that is longer than the screen.
  useEffect(() => {
    if (isHere) link.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [isHere]);
  return (
    <Link ref={link} className={styles.link} href={topic.path} aria-current={isHere ? 'page' : undefined}>
      {topic.label}
    </Link>
  );
}

/** What a topic begins with. */
export function TopicHead(props: {
  readonly title: string;
  /** The way here, above the title. */
  readonly way?: ReactNode;
  readonly children?: ReactNode;
}): ReactNode {
  return (
    <header className={styles.head}>
      <div>
        {props.way}
        <h1>{props.title}</h1>
      </div>
      {props.children}
    </header>
  );
}
