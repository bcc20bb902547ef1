// All versions of a model, newest first, with lines from each to what it was made from.
import type { VersionResource } from '@errata/contracts';
import { useInfiniteQuery } from '@tanstack/react-query';
import { errata } from '../../api/client.ts';
import { Problem } from '../../parts/problem.tsx';
import { VersionLink } from '../../parts/version-link.tsx';
import { VersionNames } from '../../parts/version-names.tsx';
import { When } from '../../parts/when.tsx';
import { type Drawn, layOutLanes } from './lanes.ts';
import './version-tree.css';

export function VersionTree({ model }: { readonly model: string }) {
  const found = useInfiniteQuery({
    queryKey: ['versions', model],
    queryFn: ({ pageParam }) => errata.versions.list(model, { limit: 100 }).page(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
  });
  const versions = found.data?.pages.flatMap(({ data }) => data) ?? [];
  const drawn = layOutLanes(versions);
  const lanes = Math.max(1, ...drawn.map(({ lane }) => lane + 1));
  return (
    <div className="stack">
      <Problem error={found.error} />
      {found.isPending && <p className="soft">Loading…</p>}
      {versions.length > 0 && (
        <ol className="version-tree card">
          {versions.map((version, row) => (
            <Row key={version.id} version={version} drawn={drawn[row]!} lanes={lanes} />
          ))}
        </ol>
      )}
      {found.hasNextPage && (
        <button
          type="button"
          className="button"
          disabled={found.isFetchingNextPage}
          onClick={() => void found.fetchNextPage()}
        >
          Earlier versions
        </button>
      )}
    </div>
  );
}

interface RowProps {
  readonly version: VersionResource;
  readonly drawn: Drawn;
  readonly lanes: number;
}

function Row({ version, drawn, lanes }: RowProps) {
  const { id, depth, created_at } = version;
  return (
    <li>
      <Lines drawn={drawn} lanes={lanes} />
      <div className="row about">
        <VersionLink id={id} />
        <VersionNames id={id} />
        <span className="small soft when">
          {depth === 0 ? 'the imported model' : `${depth} ${depth === 1 ? 'solve' : 'solves'} deep`},{' '}
          <When at={created_at} />
        </span>
      </div>
    </li>
  );
}

const step = 16;
const height = 40;
const at = (lane: number) => lane * step + step / 2;

/** The part of the drawing that one row has, as high as the row is: lines from its upper edge to its lower, and the version's dot between. */
function Lines({ drawn: { lane, lines, goesOn }, lanes }: Pick<RowProps, 'drawn' | 'lanes'>) {
  const middle = height / 2;
  return (
    <svg width={lanes * step} viewBox={`0 0 ${lanes * step} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      {lines.map(({ from, to }) => (
        <path
          key={from}
          className="line"
          d={
            to === lane
              ? `M${at(from)} 0 C${at(from)} ${middle / 2} ${at(lane)} ${middle / 2} ${at(lane)} ${middle}`
              : `M${at(from)} 0 V${height}`
          }
        />
      ))}
      {goesOn && <path className="line" d={`M${at(lane)} ${middle} V${height}`} />}
      <path className="dot" d={`M${at(lane)} ${middle} h0`} />
    </svg>
  );
}
