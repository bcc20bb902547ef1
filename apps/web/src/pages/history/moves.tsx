// The moves of a branch: what each brought or took away, when, why, and where it led.
import type { MoveResource } from '@errata/contracts';
import { Link } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { whileMoving } from '../../api/queries.ts';
import { More } from '../../parts/more.tsx';
import { Problem } from '../../parts/problem.tsx';
import { VersionLink } from '../../parts/version-link.tsx';
import { VersionNames } from '../../parts/version-names.tsx';
import { When } from '../../parts/when.tsx';
import './moves.css';

const whenStill = 5 * whileMoving;

export function Moves({ model, branch }: { readonly model: string; readonly branch: string }) {
  const { found, items: moves } = usePages(
    ['branch log', model, branch],
    () => errata.branches.log(model, branch, { limit: 50 }),
    { refetchInterval: whenStill },
  );
  return (
    <div className="stack">
      <Problem error={found.error} />
      {found.isPending && <p className="soft">Loading…</p>}
      {moves.length > 0 && (
        <ol className="moves card">
          {moves.map((move) => (
            <Move key={move.sequence} move={move} />
          ))}
        </ol>
      )}
      <More of={found}>Earlier moves</More>
    </div>
  );
}

const looks: Readonly<Record<MoveResource['kind'], readonly [words: string, tone: string]>> = {
  created: ['begins', ''],
  edit: ['edited', 'good'],
  reset: ['reset', 'warn'],
  exact: ['reverted, exact', 'warn'],
  subtract: ['reverted, subtracted', 'warn'],
};

function Move({ move }: { readonly move: MoveResource }) {
  const { sequence, kind, to_version, job_id, edit_count, edits, reason, created_at } = move;
  const [words, tone] = looks[kind];
  return (
    <li>
      <span className="number soft">{sequence}</span>
      <span className={`badge ${tone}`}>{words}</span>
      <div className="stack tight what">
        {edits.map(({ id, prompt, target_new, active }) => (
          <p key={id} className={active ? undefined : 'gone'}>
            {(kind === 'exact' || kind === 'subtract' || (kind === 'reset' && !active)) && 'without '}
            {prompt} <strong>{target_new}</strong>
            {kind === 'edit' && !active && ' (taken back since)'}
          </p>
        ))}
        {edit_count > edits.length && <p className="soft small">and {edit_count - edits.length} more edits</p>}
        {edits.length === 0 && <p className="soft">{kind === 'created' ? 'the branch' : 'no edits switched'}</p>}
        {reason !== null && <p className="small soft">“{reason}”</p>}
        <VersionNames id={to_version} />
      </div>
      <span className="small soft when">
        <VersionLink id={to_version} /> <When at={created_at} />
        {job_id !== null && (
          <>
            {' '}
            <Link to="/jobs/$job" params={{ job: job_id }}>
              job
            </Link>
          </>
        )}
      </span>
    </li>
  );
}
