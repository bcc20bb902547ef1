// The way in: a page for those who are signed in, and otherwise the place to sign in, at whatever address.
import { QueryErrorResetBoundary } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { Component, type ReactNode, Suspense } from 'react';
import { useSession } from '../api/session.ts';
import { Problem } from '../parts/problem.tsx';
import { router } from '../router.tsx';
import { SignIn } from './sign-in.tsx';

export function App() {
  return (
    <QueryErrorResetBoundary>
      {({ reset }) => (
        <WayIn onAgain={reset}>
          <Suspense fallback={<p className="sign-in soft">Loading…</p>}>
            <Gate />
          </Suspense>
        </WayIn>
      )}
    </QueryErrorResetBoundary>
  );
}

function Gate() {
  const { key } = useSession();
  return key === null ? <SignIn /> : <RouterProvider router={router} />;
}

/** The service could not be asked who is there, or did not take a link. */
class WayIn extends Component<{ readonly onAgain: () => void; readonly children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    const again = () => {
      this.props.onAgain();
      this.setState({ error: null });
    };
    return (
      <main className="sign-in">
        <div className="stack">
          <h1>Errata</h1>
          <Problem error={error} />
          <button type="button" className="button primary" onClick={again}>
            Try again
          </button>
        </div>
      </main>
    );
  }
}
