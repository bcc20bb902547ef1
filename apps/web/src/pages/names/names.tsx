// The names of versions: aliases, which production asks for, and tags.
import { useQuery } from '@tanstack/react-query';
import { errata } from '../../api/client.ts';
import { useWhere } from '../../api/models.ts';
import { Empty } from '../../parts/empty.tsx';
import { Problem } from '../../parts/problem.tsx';
import { ScrollX } from '../../parts/scroll-x.tsx';
import { VersionLink } from '../../parts/version-link.tsx';
import { When } from '../../parts/when.tsx';
import { Alias } from './alias.tsx';

export function Names() {
  const { model, error } = useWhere();
  if (model === undefined) return <Problem error={error} />;
  return (
    <div className="stack">
      <h1>Aliases and tags of {model}</h1>
      <Aliases model={model} />
      <Tags model={model} />
    </div>
  );
}

function Aliases({ model }: { readonly model: string }) {
  const { data: aliases, error } = useQuery({
    queryKey: ['aliases', model],
    queryFn: () => errata.aliases.list(model, { limit: 100 }).all(),
  });
  return (
    <section className="stack">
      <h2>Aliases</h2>
      <Problem error={error} />
      {aliases?.length === 0 && (
        <Empty title="No alias yet">
          <p>
            An alias is the name that clients ask for, such as {model}@production: it stays on its version while
            branches move on, and goes where you put it. Open a version in the history and choose “Name it”.
          </p>
        </Empty>
      )}
      {aliases?.map((alias) => (
        <Alias key={alias.id} model={model} alias={alias} />
      ))}
    </section>
  );
}

function Tags({ model }: { readonly model: string }) {
  const { data: tags, error } = useQuery({
    queryKey: ['tags', model],
    queryFn: () => errata.tags.list(model, { limit: 100 }).all(),
  });
  return (
    <section className="stack tight">
      <h2>Tags</h2>
      <Problem error={error} />
      {tags?.length === 0 && <p className="soft">None. A tag names a version for good, for instance a release.</p>}
      {tags !== undefined && tags.length > 0 && (
        <ScrollX label="Tags">
          <table>
            <thead>
              <tr>
                <th scope="col">Tag</th>
                <th scope="col">Version</th>
                <th scope="col">Message</th>
                <th scope="col">Given</th>
              </tr>
            </thead>
            <tbody>
              {tags.map(({ id, name, version_id, message, created_at }) => (
                <tr key={id}>
                  <th scope="row">{name}</th>
                  <td>
                    <VersionLink id={version_id} />
                  </td>
                  <td>{message}</td>
                  <td>
                    <When at={created_at} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollX>
      )}
    </section>
  );
}
