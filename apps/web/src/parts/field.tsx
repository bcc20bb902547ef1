// A control with its label, a hint, and what is wrong with what it holds.
import { cloneElement, type ReactElement, useId } from 'react';

interface FieldProps {
  readonly label: string;
  readonly hint?: string | undefined;
  /** What is wrong; nothing where all is well. */
  readonly fault?: string | undefined;
  /** One input, select or textarea. */
  readonly children: ReactElement<Record<string, unknown>>;
}

export function Field({ label, hint, fault, children }: FieldProps) {
  const id = useId();
  const [hintId, faultId] = [`${id}-hint`, `${id}-fault`];
  const described = [fault === undefined ? [] : faultId, hint === undefined ? [] : hintId].flat().join(' ');
  const control = cloneElement(children, {
    id,
    className: 'input',
    ...(described === '' ? {} : { 'aria-describedby': described }),
    ...(fault === undefined ? {} : { 'aria-invalid': true }),
  });
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {control}
      {fault !== undefined && (
        <span id={faultId} className="fault" role="alert">
          {fault}
        </span>
      )}
      {hint !== undefined && (
        <span id={hintId} className="hint">
          {hint}
        </span>
      )}
    </div>
  );
}
