// Projects: how much each has used of what it may.
import { type ProjectResource, quotas } from '@errata/contracts';
import { Link } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { Empty } from '../../parts/empty.tsx';
import { More } from '../../parts/more.tsx';
import { Problem } from '../../parts/problem.tsx';
import { ScrollX } from '../../parts/scroll-x.tsx';
import { UpkeepTabs } from '../../parts/upkeep-tabs.tsx';
import { QuotaUse, quotaWords } from './quota-use.tsx';

export function Projects() {
  const { found, items: projects } = usePages(['projects'], () => errata.projects.list({ limit: 50 }));
  return (
    <div className="stack">
      <h1>Projects</h1>
      <UpkeepTabs />
      <Problem error={found.error} />
      {found.isPending && <p className="soft">Loading…</p>}
      {found.isSuccess && projects.length === 0 && (
        <Empty title="You are in no project">
          <p>
            A project owns models, and quotas bound what is asked of them together. Who administers one can let you in.
          </p>
        </Empty>
      )}
      {projects.length > 0 && <All projects={projects} />}
      <More of={found}>More projects</More>
    </div>
  );
}

function All({ projects }: { readonly projects: readonly ProjectResource[] }) {
  return (
    <ScrollX label="Projects">
      <table>
        <thead>
          <tr>
            <th scope="col">Project</th>
            <th scope="col" className="number">
              Models
            </th>
            {quotas.map((quota) => (
              <th key={quota} scope="col">
                {quotaWords[quota]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {projects.map((project) => (
            <tr key={project.id}>
              <th scope="row" className="named">
                <Link to="/projects/$project" params={{ project: project.name }}>
                  {project.name}
                </Link>
              </th>
              <td className="number">{project.models}</td>
              {quotas.map((quota) => (
                <td key={quota}>
                  <QuotaUse of={project} quota={quota} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollX>
  );
}
