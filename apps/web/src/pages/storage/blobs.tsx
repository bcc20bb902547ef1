// What the blobs are, as the last collection counted them, and which of them are the largest.
import type { BlobUse, StorageResource } from '@errata/contracts';
import { Link } from '@tanstack/react-router';
import { bytes } from '../../parts/bytes.ts';
import { Empty } from '../../parts/empty.tsx';
import { ScrollX } from '../../parts/scroll-x.tsx';
import { When } from '../../parts/when.tsx';

const words: Readonly<Record<BlobUse, string>> = {
  model: 'files of models',
  delta: 'deltas of edits',
  artefact: 'artefacts',
  snapshot: 'versions stored whole',
  candidate: 'candidates that wait',
  evaluation: 'evaluations that go on',
};
const numbers = new Intl.NumberFormat();

export function Blobs({ counted }: { readonly counted: StorageResource['counted'] }) {
  if (counted === null)
    return (
      <Empty title="The blobs have not been counted yet">
        <p>Ask below what could be collected: that counts them, by what they are, and changes nothing.</p>
      </Empty>
    );
  const { job_id, at, report } = counted;
  const { dry_run, named, uses, largest = [], marked, waiting, deleted } = report;
  const rows = [
    ...(uses ?? [{ use: 'in use', kind: null, ...named }]).map(({ use, kind, ...amount }) => ({
      what: `${words[use as BlobUse] ?? use}${kind === null ? '' : `, ${kind.replaceAll('_', ' ')}`}`,
      ...amount,
    })),
    { what: dry_run ? 'named by nothing, to be marked' : 'named by nothing, marked then', ...marked },
    { what: 'named by nothing, marked before', ...waiting },
    ...(dry_run ? [{ what: 'named by nothing, could be deleted', ...deleted }] : []),
  ].filter(({ blobs }) => blobs > 0);
  const most = Math.max(1, ...rows.map((row) => row.bytes));
  return (
    <section className="stack tight">
      <h2>Blobs, by what they are</h2>
      <p className="small soft">
        Counted <When at={at} /> by{' '}
        <Link to="/jobs/$job" params={{ job: job_id }}>
          a {dry_run ? 'dry run' : 'collection'}
        </Link>
        ; a blob that several things name counts once.
      </p>
      <ScrollX label="Blobs, by what they are">
        <table>
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col" className="number">
                Blobs
              </th>
              <th scope="col" className="number">
                Size
              </th>
              <th scope="col">
                <span className="unseen beside">Beside the others</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.what}>
                <th scope="row">{row.what}</th>
                <td className="number">{numbers.format(row.blobs)}</td>
                <td className="number">{bytes(row.bytes)}</td>
                <td>
                  <progress
                    className="share"
                    aria-label={`${row.what} beside the others`}
                    max={most}
                    value={row.bytes}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollX>
      {largest.length > 0 && (
        <details className="card">
          <summary>The largest {largest.length}</summary>
          <ol className="plain stack tight">
            {largest.map(({ blob, bytes: size, by }) => (
              <li key={blob} className="row spread">
                <span className="grow">
                  {by ?? 'named by nothing'} <code className="mono small soft">{blob.slice(0, 12)}</code>
                </span>
                <span>{bytes(size)}</span>
              </li>
            ))}
          </ol>
        </details>
      )}
    </section>
  );
}
