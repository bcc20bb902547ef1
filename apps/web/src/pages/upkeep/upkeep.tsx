// What runs here: models with where they came from, and a form to import another.
import { useQuery } from '@tanstack/react-query';
import { errata } from '../../api/client.ts';
import { useWhere } from '../../api/models.ts';
import { useSession } from '../../api/session.ts';
import { JobList } from '../../parts/job-list.tsx';
import { Problem } from '../../parts/problem.tsx';
import { ScrollX } from '../../parts/scroll-x.tsx';
import { UpkeepTabs } from '../../parts/upkeep-tabs.tsx';
import { When } from '../../parts/when.tsx';
import { ImportModel } from './import-model.tsx';

const numbers = new Intl.NumberFormat(undefined, { notation: 'compact', maximumSignificantDigits: 3 });
const recent = 5;

export function Upkeep() {
  const { models, error } = useWhere();
  const { may } = useSession();
  return (
    <div className="stack">
      <h1>Models</h1>
      <UpkeepTabs />
      <Problem error={error} />
      {models.length > 0 && (
        <ScrollX label="Models">
          <table>
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col">Kind</th>
                <th scope="col" className="number">
                  Parameters
                </th>
                <th scope="col">Came from</th>
                <th scope="col">Imported</th>
              </tr>
            </thead>
            <tbody>
              {models.map(({ model_id, name, model_type, layers, width, parameters, origin, created_at }) => (
                <tr key={model_id}>
                  <th scope="row">{name}</th>
                  <td>
                    {model_type}, {layers} layers of width {width}
                  </td>
                  <td className="number">{numbers.format(parameters)}</td>
                  <td>{origin.map(({ reference }) => reference).join(', onto ')}</td>
                  <td>
                    <When at={created_at} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollX>
      )}
      {may('admin') && <ImportModel />}
      <Imports />
    </div>
  );
}

function Imports() {
  const { data: jobs, error } = useQuery({
    queryKey: ['jobs', 'imports'],
    queryFn: async () => (await errata.jobs.list({ kind: 'import', limit: recent }).page()).data,
  });
  return (
    <section className="stack tight">
      <h2>Latest imports</h2>
      <Problem error={error} />
      {jobs?.length === 0 && <p className="soft">None yet.</p>}
      {jobs !== undefined && jobs.length > 0 && <JobList jobs={jobs} />}
    </section>
  );
}
