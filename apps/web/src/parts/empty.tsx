// A place where there is nothing yet, which says what to do next.
import type { ReactNode } from 'react';

export function Empty({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}
