// What one version has that another has not: edits that come, and edits that go.
import type { EditMention, VersionDiff } from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { errata } from '../api/client.ts';
import { Problem } from './problem.tsx';
import './edit-changes.css';

/** The edits of deltas, each once. */
function editsOf(side: VersionDiff['added']) {
  return [...new Map(side.flatMap(({ edits }) => edits).map((edit) => [edit.id, edit])).values()];
}

interface EditChangesProps {
  readonly from: string;
  readonly to: string;
  /** What can be done about an edit that comes. */
  readonly children?: (edit: EditMention) => ReactNode;
}

export function EditChanges({ from, to, children }: EditChangesProps) {
  const { data: diff, error } = useQuery({
    queryKey: ['diff', from, to],
    queryFn: () => errata.versions.diff(from, to),
    // What two versions are made of stays as it is.
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (diff === undefined) return error === null ? <p className="soft">Loading…</p> : <Problem error={error} />;
  const [added, removed] = [editsOf(diff.added), editsOf(diff.removed)];
  const unnamed = diff.added_count - diff.added.length + diff.removed_count - diff.removed.length;
  if (diff.added_count + diff.removed_count === 0) return <p className="soft">No edit comes or goes.</p>;
  return (
    <div className="stack tight">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long list scrolls by itself, and whoever has no mouse scrolls it by its focus */}
      <ul className="edit-changes card" aria-label="Edits that come and go" tabIndex={0}>
        {added.map((edit) => (
          <li key={edit.id}>
            <span className="badge good">comes</span>
            <span className="grow">
              {edit.prompt} <strong>{edit.target_new}</strong>
            </span>
            {children?.(edit)}
          </li>
        ))}
        {removed.map(({ id, prompt, target_new }) => (
          <li key={id}>
            <span className="badge bad">goes</span>
            <span>
              {prompt} <strong>{target_new}</strong>
            </span>
          </li>
        ))}
      </ul>
      {unnamed > 0 && <p className="small soft">and {unnamed} more deltas, which are not named here</p>}
    </div>
  );
}
