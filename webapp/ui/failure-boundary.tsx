/** A fault in one page leaves the rest of the app alone. A chunk that is gone (a newer version is served) loads anew. */
import { Component, type ReactNode } from 'react';
import { Failed } from './state.tsx';

interface State {
  readonly error: unknown;
}

export class FailureBoundary extends Component<{ readonly children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: unknown): State {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    const isChunk = error instanceof TypeError && /import|module/i.test(error.message);
    return (
      <Failed
        error={error}
        onRetry={() => {
          if (isChunk) window.location.reload();
          else this.setState({ error: null });
        }}
      />
    );
  }
}
