// One alias: where it is, where it was, and the way back.
import type { AliasMoveResource, AliasResource } from '@errata/contracts';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { errata } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { EditChanges } from '../../parts/edit-changes.tsx';
import { Problem } from '../../parts/problem.tsx';
import { shortVersion } from '../../parts/version-id.tsx';
import { VersionLink } from '../../parts/version-link.tsx';
import { When } from '../../parts/when.tsx';

const shown = 20;

export function Alias({ model, alias }: { readonly model: string; readonly alias: AliasResource }) {
  const queries = useQueryClient();
  const { may } = useSession();
  const [back, setBack] = useState<string | null>(null);
  const { name, version_id } = alias;
  const { data: moves, error } = useQuery({
    queryKey: ['aliases', model, name, alias.sequence],
    queryFn: async () => (await errata.aliases.history(model, name, { limit: shown }).page()).data,
  });
  const before = moves?.find(({ sequence }) => sequence === alias.sequence)?.from_version ?? null;
  return (
    <article className="card stack">
      <div className="row spread">
        <h3>
          {model}@{name}
        </h3>
        <span>
          serves <VersionLink id={version_id} /> since <When at={alias.moved_at} />
        </span>
        {before !== null && may('aliases:write') && (
          <button type="button" className="button" onClick={() => setBack(before)}>
            Back to {shortVersion(before)}
          </button>
        )}
      </div>
      <Problem error={error} />
      <details>
        <summary>Every move{moves?.length === shown ? `, the last ${shown}` : ''}</summary>
        <ol className="plain stack tight">
          {moves?.map((move) => (
            <Move key={move.sequence} move={move} />
          ))}
        </ol>
      </details>
      {back !== null && (
        <Confirm
          title={`Put ${name} back on ${shortVersion(back)}?`}
          name={name}
          action={`Put ${name} back`}
          withReason
          onClose={() => setBack(null)}
          onConfirm={async (reason) => {
            await errata.aliases.set(model, name, { version: back, reason, if_version_id: version_id });
            await queries.invalidateQueries({ queryKey: ['aliases'] });
            await queries.invalidateQueries({ queryKey: ['models'] });
          }}
        >
          <div className="stack tight">
            <p>From the next request on, whoever asks for it is answered by that version. No branch moves.</p>
            <EditChanges from={version_id} to={back} />
          </div>
        </Confirm>
      )}
    </article>
  );
}

function Move({ move: { kind, from_version, to_version, reason, created_at } }: { readonly move: AliasMoveResource }) {
  return (
    <li>
      <span className="soft">
        <When at={created_at} />
      </span>{' '}
      {kind}
      {from_version !== null && (
        <>
          {' from '}
          <VersionLink id={from_version} />
        </>
      )}
      {to_version !== null && (
        <>
          {' to '}
          <VersionLink id={to_version} />
        </>
      )}
      {reason !== null && <span className="soft">: “{reason}”</span>}
    </li>
  );
}
