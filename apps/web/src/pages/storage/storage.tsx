// How much is stored: the room that is left, blobs by what names them, the database by its tables; and what could go.
import type { StorageResource } from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import { errata } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { amount, bytes } from '../../parts/bytes.ts';
import { Problem } from '../../parts/problem.tsx';
import { ScrollX } from '../../parts/scroll-x.tsx';
import { UpkeepTabs } from '../../parts/upkeep-tabs.tsx';
import { When } from '../../parts/when.tsx';
import { Blobs } from './blobs.tsx';
import { Collect } from './collect.tsx';
import './storage.css';

export function Storage() {
  const { may } = useSession();
  const { data: storage, error } = useQuery({ queryKey: ['storage'], queryFn: () => errata.storage() });
  return (
    <div className="stack">
      <h1>Storage</h1>
      <UpkeepTabs />
      <Problem error={error} />
      {storage === undefined && error === null && <p className="soft">Loading…</p>}
      {storage !== undefined && (
        <>
          <Room storage={storage} />
          <Blobs counted={storage.counted} />
          {may('admin') && <Collect storage={storage} />}
          <Tables database={storage.database} />
        </>
      )}
    </div>
  );
}

function Room({ storage: { blobs, database, counted } }: { readonly storage: StorageResource }) {
  const { disk, marked } = blobs;
  return (
    <ul className="room" aria-label="Room">
      {counted !== null && (
        <li className="card">
          <strong className="size">{bytes(heldBy(counted.report).bytes)}</strong>
          <span>in blobs</span>
        </li>
      )}
      <li className="card">
        <strong className="size">{bytes(database.bytes)}</strong>
        <span>in the database</span>
      </li>
      <li className="card">
        {disk === null ? (
          <>
            <strong className="size">{blobs.kind === 'bucket' ? 'a bucket' : 'unknown'}</strong>
            <span>
              {blobs.kind === 'bucket' ? `${blobs.name} has no end` : 'the directory of blobs cannot be read'}
            </span>
          </>
        ) : (
          <>
            <strong className="size">{bytes(disk.free_bytes)}</strong>
            <span>free of {bytes(disk.bytes)} on the disk of blobs</span>
            <meter
              aria-label="How full the disk of blobs is"
              max={disk.bytes}
              high={disk.bytes * 0.85}
              value={disk.bytes - disk.free_bytes}
            />
          </>
        )}
      </li>
      {marked.since !== null && (
        <li className="card">
          <strong className="size">{bytes(marked.bytes)}</strong>
          <span>
            marked to go: {amount(marked)}, the first <When at={marked.since} />
          </span>
        </li>
      )}
    </ul>
  );
}

/** What was in the store when it had been counted. */
function heldBy({ dry_run, named, marked, waiting, deleted }: NonNullable<StorageResource['counted']>['report']) {
  const parts = [named, marked, waiting, ...(dry_run ? [deleted] : [])];
  return {
    blobs: parts.reduce((sum, part) => sum + part.blobs, 0),
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
  };
}

const numbers = new Intl.NumberFormat();

function Tables({ database: { tables } }: { readonly database: StorageResource['database'] }) {
  return (
    <section className="stack tight">
      <h2>The database, by its largest tables</h2>
      <ScrollX label="Tables of the database">
        <table>
          <thead>
            <tr>
              <th scope="col">Table</th>
              <th scope="col" className="number">
                Rows, about
              </th>
              <th scope="col" className="number">
                Size with indexes
              </th>
            </tr>
          </thead>
          <tbody>
            {tables.map(({ name, rows, bytes: size }) => (
              <tr key={name}>
                <th scope="row">{name.replaceAll('_', ' ')}</th>
                <td className="number">{numbers.format(rows)}</td>
                <td className="number">{bytes(size)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollX>
    </section>
  );
}
