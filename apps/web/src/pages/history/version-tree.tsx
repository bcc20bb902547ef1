// All versions of a model, newest first, with lines from each to what it was made from.
import type { VersionResource } from '@errata/contracts';
import { useMemo } from 'react';
import { errata } from '../../api/client.ts';
import { onceRead, usePages } from '../../api/pages.ts';
import { LongList } from '../../parts/long-list.tsx';
import { Problem } from '../../parts/problem.tsx';
import { VersionLink } from '../../parts/version-link.tsx';
import { VersionNames } from '../../parts/version-names.tsx';
import { When } from '../../parts/when.tsx';
import { type Drawn, layOutLanes } from './lanes.ts';
import './version-tree.css';

export function VersionTree({ model }: { readonly model: string }) {
  const { found, items: versions } = usePages(
    ['versions', model],
    () => errata.versions.list(model, { limit: 100 }),
    onceRead,
  );
  const drawn = useMemo(() => layOutLanes(versions), [versions]);
  const lanes = drawn.reduce((most, { lane }) => Math.max(most, lane + 1), 1);
  return (
    <div className="stack">
      <Problem error={found.error} />
      {found.isPending && <p className="soft">Loading…</p>}
      {versions.length > 0 && (
        <LongList
          label="Versions"
          className="version-tree card"
          items={versions}
          keyOf={({ id }) => id}
          estimate={height}
          of={found}
        >
          {(version, row) => <Row version={version} drawn={drawn[row]!} lanes={lanes} />}
        </LongList>
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
    <>
      <Lines drawn={drawn} lanes={lanes} />
      <div className="row about">
        <VersionLink id={id} />
        <VersionNames id={id} />
        <span className="small soft when">
          {depth === 0 ? 'the imported model' : `${depth} ${depth === 1 ? 'solve' : 'solves'} deep`},{' '}
          <When at={created_at} />
        </span>
      </div>
    </>
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
