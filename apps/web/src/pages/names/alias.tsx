// One alias: where it is, every place where it was, and the way back to any of them.
import type { AliasMoveResource, AliasResource } from '@errata/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { errata } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useSession } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { EditChanges } from '../../parts/edit-changes.tsx';
import { More } from '../../parts/more.tsx';
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
  const { found, items: moves } = usePages(['aliases', model, name, alias.sequence], () =>
    errata.aliases.history(model, name, { limit: shown }),
  );
  const before = moves.find(({ sequence }) => sequence === alias.sequence)?.from_version ?? null;
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
      <Problem error={found.error} />
      <details>
        <summary>Every move</summary>
        <div className="stack tight">
          <ol className="plain stack tight">
            {moves.map((move) => (
              <Move
                key={move.sequence}
                move={move}
                {...(may('aliases:write') && move.to_version !== version_id ? { onBack: setBack } : {})}
              />
            ))}
          </ol>
          <More of={found}>Earlier moves</More>
        </div>
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

interface MoveProps {
  readonly move: AliasMoveResource;
  /** Asks to go back to where it went. */
  readonly onBack?: (version: string) => void;
}

function Move({ move: { kind, from_version, to_version, target, reason, created_at }, onBack }: MoveProps) {
  return (
    <li className="row">
      <span className="grow">
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
            {from_version === null ? ' at ' : ' to '}
            <VersionLink id={to_version} />
          </>
        )}
        {target !== null && target !== to_version && <span className="soft"> ({target} then)</span>}
        {reason !== null && <span className="soft">: “{reason}”</span>}
      </span>
      {to_version !== null && onBack !== undefined && (
        <button
          type="button"
          className="button small"
          aria-label={`Back there: ${shortVersion(to_version)}`}
          onClick={() => onBack(to_version)}
        >
          Back there
        </button>
      )}
    </li>
  );
}
