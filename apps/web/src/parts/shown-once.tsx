// A secret that was made just now: shown once, to be kept elsewhere.
import type { ReactNode } from 'react';
import { Dialog } from './dialog.tsx';

interface ShownOnceProps {
  readonly title: string;
  readonly secret: string;
  /** What it is, and that it is not shown again. */
  readonly children: ReactNode;
  readonly onClose: () => void;
}

export function ShownOnce({ title, secret, children, onClose }: ShownOnceProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{children}</p>
      <pre>{secret}</pre>
      <div className="row">
        <button type="button" className="button" onClick={() => void navigator.clipboard.writeText(secret)}>
          Copy it
        </button>
        <button type="button" className="button primary" onClick={onClose}>
          I have kept it
        </button>
      </div>
    </Dialog>
  );
}
