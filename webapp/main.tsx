/** Where the app begins: language and theme first, then the session decides between sign-in and pages. */
import './ui/tokens.css';
import './ui/base.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { beginLanguage } from './language/language.ts';
import { applyTheme, storedTheme } from './ui/theme.ts';

applyTheme(storedTheme());
const place = document.getElementById('app');
if (place === null) throw new Error('the page has no place for the app');
await beginLanguage();
createRoot(place).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
