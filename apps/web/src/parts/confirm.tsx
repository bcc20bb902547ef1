// Asks before something is done that others notice: by the name of what it is done to, which is typed.
import { type FormEvent, type ReactNode, useState } from 'react';
import { Dialog } from './dialog.tsx';
import { Field } from './field.tsx';
import { Problem } from './problem.tsx';

interface ConfirmProps {
  readonly title: string;
  /** What will happen. */
  readonly children: ReactNode;
  /** What is typed before it is done; nothing is where it is left out. */
  readonly name?: string;
  /** What the button says. */
  readonly action: string;
  /** Asks for a reason, which is kept. */
  readonly withReason?: boolean;
  readonly onConfirm: (reason: string) => Promise<unknown>;
  readonly onClose: () => void;
}

export function Confirm({ title, children, name, action, withReason = false, onConfirm, onClose }: ConfirmProps) {
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const ready = (name === undefined || typed === name) && (!withReason || reason.trim() !== '');
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await onConfirm(reason.trim());
      onClose();
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <div>{children}</div>
        {withReason && (
          <Field label="Reason" hint="Kept in the history, for whoever asks later">
            <textarea value={reason} maxLength={1000} required onChange={(event) => setReason(event.target.value)} />
          </Field>
        )}
        {name !== undefined && (
          <Field label={`Type ${name} to go on`}>
            <input
              value={typed}
              autoComplete="off"
              autoCapitalize="off"
              spellCheck={false}
              onChange={(event) => setTyped(event.target.value)}
            />
          </Field>
        )}
        <Problem error={error} />
        <div className="row">
          <button type="submit" className="button danger" disabled={!ready || busy}>
            {action}
          </button>
          <button type="button" className="button" onClick={onClose}>
            Leave it as it is
          </button>
        </div>
      </form>
    </Dialog>
  );
}
