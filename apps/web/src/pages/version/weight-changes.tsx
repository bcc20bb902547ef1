// Where in the model a version differs from what it was made from: a heat map of relative norms, by layer and matrix.
import type { WeightsDiff } from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { errata } from '../../api/client.ts';
import { Problem } from '../../parts/problem.tsx';
import { ScrollX } from '../../parts/scroll-x.tsx';
import { heatOf } from './heat.ts';
import './weight-changes.css';

export function WeightChanges({ from, to }: { readonly from: string; readonly to: string }) {
  const [wanted, setWanted] = useState(false);
  const {
    data: diff,
    error,
    isFetching,
  } = useQuery({
    queryKey: ['weights diff', from, to],
    queryFn: () => errata.versions.diffWeights(from, to),
    staleTime: Number.POSITIVE_INFINITY,
    enabled: wanted,
  });
  return (
    <section className="stack tight">
      <h2>Where it changed the model</h2>
      <Problem error={error} />
      {diff !== undefined && <Changes diff={diff} />}
      {diff === undefined && (
        <div className="row">
          <button type="button" className="button" disabled={isFetching} onClick={() => setWanted(true)}>
            {isFetching ? 'Measuring…' : 'Measure'}
          </button>
          <span className="small soft">Both versions are opened for it, which takes seconds to minutes.</span>
        </div>
      )}
    </section>
  );
}

const share = new Intl.NumberFormat(undefined, { style: 'percent', maximumSignificantDigits: 2 });

function Changes({ diff }: { readonly diff: WeightsDiff }) {
  const { tensors, memories } = diff;
  const { rows, layers, cells } = heatOf(tensors);
  if (tensors.length + memories.length === 0) return <p className="soft">No weight and no memory differs.</p>;
  return (
    <div className="stack tight">
      {tensors.length > 0 && (
        <ScrollX label="Changes by layer and matrix">
          <table className="heat">
            <caption className="small soft">
              Norm of the change against the norm of the matrix before; the darkest is the largest
            </caption>
            <thead>
              <tr>
                <th scope="col">Layer</th>
                {rows.map((name) => (
                  <th key={name} scope="col" className="number">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {layers.map((layer) => (
                <tr key={layer}>
                  <th scope="row">{layer}</th>
                  {rows.map((name) => {
                    const cell = cells.get(`${layer} ${name}`);
                    return (
                      <td key={name} className={`number heat-${cell?.heat ?? 0}`}>
                        {cell === undefined ? '' : share.format(cell.relative)}
                        {cell?.rank && (
                          <span className="small">
                            {' '}
                            rank {cell.rank.at_least ? `${cell.rank.value} or more` : cell.rank.value}
                          </span>
                        )}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollX>
      )}
      {memories.map(({ kind, place, added, removed, kept }) => (
        <p key={`${kind} ${place}`} className="small">
          {kind.replaceAll('_', ' ')} {place}: {added} rows came, {removed} went, {kept} stayed
        </p>
      ))}
    </div>
  );
}
