// What may be wider than its place: it scrolls by itself, by keyboard too.
import type { ReactNode } from 'react';

interface ScrollXProps {
  /** What is in it, for those who come upon it by keyboard. */
  readonly label: string;
  readonly card?: boolean;
  readonly children: ReactNode;
}

export function ScrollX({ label, card = true, children }: ScrollXProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no mouse scrolls it by its focus
    <section className={`scroll-x ${card ? 'card' : ''}`} aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
