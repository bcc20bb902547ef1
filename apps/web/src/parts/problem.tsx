// What went wrong, in the sentence that the service gave, with every place that it complained of.
import { ErrataError } from '@errata/contracts';
import { ErrataApiError } from '@errata/sdk';

/** A failure as a sentence. */
export function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const mostShown = 20;

export function Problem({ error }: { readonly error: unknown }) {
  if (error === null || error === undefined) return null;
  const complaints = error instanceof ErrataError ? error.errors : [];
  const requestId = error instanceof ErrataApiError ? error.requestId : null;
  return (
    <div className="note bad" role="alert">
      <p>{sentence(error)}</p>
      {complaints.length > 1 && (
        <ul>
          {complaints.slice(0, mostShown).map(({ message, line }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: complaints have no names
            <li key={index}>
              {line === undefined ? '' : `line ${line}: `}
              {message}
            </li>
          ))}
          {complaints.length > mostShown && <li>and {complaints.length - mostShown} more</li>}
        </ul>
      )}
      {requestId !== null && error instanceof ErrataApiError && error.status >= 500 && (
        <p className="small soft">
          The service's log knows this as <code>{requestId}</code>.
        </p>
      )}
    </div>
  );
}
