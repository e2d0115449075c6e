/**
 * The pages: one row each, a chunk each. A page is there for whom its capability is there; what an administrator has,
 * others neither see nor load. `src/web/app` answers these paths with the app.
 */
import { CalendarDays, Mail, Settings, ShieldCheck, type LucideIcon } from 'lucide-react';
import { type ComponentType, lazy } from 'react';
import { can, ownAccount, type Session } from './jmap/session.ts';

export interface Page {
  readonly name: 'mail' | 'calendar' | 'settings' | 'admin';
  readonly path: string;
  readonly icon: LucideIcon;
  /** Gets the rest of the path through wouter's nested routing. */
  readonly component: ComponentType;
  readonly isFor: (session: Session) => boolean;
}

export const PAGES: readonly Page[] = [
  {
    name: 'mail',
    path: '/mail',
    icon: Mail,
    component: lazy(() => import('./mail/mail-page.tsx')),
    isFor: (session) => ownAccount(session) !== null,
  },
  {
    name: 'calendar',
    path: '/calendar',
    icon: CalendarDays,
    component: lazy(() => import('./calendar/calendar-page.tsx')),
    isFor: (session) => ownAccount(session) !== null && can(session, 'calendar'),
  },
  {
    name: 'settings',
    path: '/settings',
    icon: Settings,
    component: lazy(() => import('./settings/settings-page.tsx')),
    isFor: () => true,
  },
  {
    name: 'admin',
    path: '/console',
    icon: ShieldCheck,
    component: lazy(() => import('./admin/admin-page.tsx')),
    isFor: (session) => can(session, 'admin'),
  },
];

export const pagesOf = (session: Session): readonly Page[] => PAGES.filter((page) => page.isFor(session));
