// One project: what it has used of what it may, and who is in it.
import { type ProjectResource, quotas } from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { Problem } from '../../parts/problem.tsx';
import { UpkeepTabs } from '../../parts/upkeep-tabs.tsx';
import { When } from '../../parts/when.tsx';
import { Members, NotForYou } from './members.tsx';
import { QuotaUse, quotaWords } from './quota-use.tsx';

const route = getRouteApi('/projects/$project');

export function Project() {
  const { project: name } = route.useParams();
  const { may } = useSession();
  const { data: project, error } = useQuery({
    queryKey: ['projects', name],
    queryFn: () => errata.projects.get(name),
  });
  return (
    <div className="stack">
      <h1 className="named">Project {name}</h1>
      <UpkeepTabs />
      <Problem error={error} />
      {project === undefined && error === null && <p className="soft">Loading…</p>}
      {project !== undefined && (
        <>
          <Use of={project} />
          {may('admin') ? <Members of={project} /> : <NotForYou />}
        </>
      )}
    </div>
  );
}

function Use({ of: project }: { readonly of: ProjectResource }) {
  const { models, created_at } = project;
  return (
    <section className="stack tight">
      <h2>What it uses</h2>
      <p className="small soft">
        {models === 1 ? 'One model' : `${models} models`}; made <When at={created_at} />. A day is the 24 hours before.
      </p>
      <ul className="quotas" aria-label="Quotas">
        {quotas.map((quota) => (
          <li key={quota} className="card">
            <h3>{quotaWords[quota]}</h3>
            <QuotaUse of={project} quota={quota} />
          </li>
        ))}
      </ul>
    </section>
  );
}
