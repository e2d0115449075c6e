/** Sign-in and devices: the password, passwords for programs, and where one is signed in. */
import type { ReactNode } from 'react';
import { AppPasswords } from './app-passwords.tsx';
import { PasswordForm } from './password-form.tsx';
import { WebSessions } from './web-sessions.tsx';

export function SecurityPage(): ReactNode {
  return (
    <>
      <PasswordForm />
      <AppPasswords />
      <WebSessions />
    </>
  );
}
