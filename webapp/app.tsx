/** The session decides: nobody signed in – the sign-in page; somebody – the pages that are for him. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { type ReactNode, Suspense, useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Redirect, Route, Switch, useLocation } from 'wouter';
import { ComposerProvider } from './compose/composer.tsx';
import { ConnectionLost, SignedOut } from './jmap/errors.ts';
import { JmapProvider } from './jmap/mailbox.tsx';
import { fetchSession, type Session } from './jmap/session.ts';
import { pagesOf } from './pages.tsx';
import { Shell } from './shell/shell.tsx';
import { SignInPage } from './sign-in/sign-in-page.tsx';
import { Button } from './ui/button.tsx';
import { Empty, Failed, Loading } from './ui/state.tsx';
import { ToastProvider } from './ui/toasts.tsx';
import { FailureBoundary } from './ui/failure-boundary.tsx';

/** Nothing is asked again by time: push says what has changed. */
const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      refetchOnWindowFocus: false,
      retry: (failures, error) => error instanceof ConnectionLost && failures < 3,
    },
  },
});

export function App(): ReactNode {
  return (
    <QueryClientProvider client={queries}>
      <Suspense fallback={<Loading />}>
        <ToastProvider>
          <SignedIn />
        </ToastProvider>
      </Suspense>
    </QueryClientProvider>
  );
}

type State = { readonly kind: 'asking' | 'out' } | { readonly kind: 'failed'; readonly error: unknown } | In;
interface In {
  readonly kind: 'in';
  readonly session: Session;
}

function SignedIn(): ReactNode {
  const [state, setState] = useState<State>({ kind: 'asking' });
  const signedOut = useCallback(() => {
    queries.clear();
    setState({ kind: 'out' });
  }, []);
  const ask = useCallback(() => {
    fetchSession().then(
      // The same session keeps its client, and with it what the pages have loaded.
      (session) =>
        setState((now) => (now.kind === 'in' && now.session.state === session.state ? now : { kind: 'in', session })),
      (error: unknown) => {
        if (error instanceof SignedOut) signedOut();
        // Who is in stays in while the server is away: the shell says so and tries again.
        else setState((now) => (now.kind === 'in' ? now : { kind: 'failed', error }));
      },
    );
  }, [signedOut]);
  useEffect(ask, [ask]);
  switch (state.kind) {
    case 'asking':
      return <Loading />;
    case 'failed':
      return <Failed error={state.error} onRetry={ask} />;
    case 'out':
      return <SignInPage onSignedIn={ask} />;
    case 'in':
      return (
        <JmapProvider session={state.session} onSignedOut={signedOut} onSessionChange={ask}>
          <ComposerProvider>
            <Pages session={state.session} />
          </ComposerProvider>
        </JmapProvider>
      );
  }
}

function Pages({ session }: { readonly session: Session }): ReactNode {
  const pages = pagesOf(session);
  const home = pages[0]?.path ?? '/settings';
  return (
    <Shell>
      <Switch>
        <Route path="/">
          <Redirect to={home} replace />
        </Route>
        <Route path="/sign-in">
          <Redirect to={home} replace />
        </Route>
        {pages.map(({ name, path, component: Component }) => (
          <Route key={name} path={path} nest>
            <FailureBoundary>
              <Component />
            </FailureBoundary>
          </Route>
        ))}
        <Route>
          <NotFound />
        </Route>
      </Switch>
    </Shell>
  );
}

function NotFound(): ReactNode {
  const { t } = useTranslation('app');
  const [, go] = useLocation();
  return (
    <Empty title={t('notFound.title')} text={t('notFound.text')}>
      <Button onPress={() => go('/')}>{t('notFound.home')}</Button>
    </Empty>
  );
}
