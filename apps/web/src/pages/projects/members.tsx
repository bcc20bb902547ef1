// Who is in a project: people with their roles, and keys with what they may do.
import { ErrataError, type MemberResource, type ProjectResource } from '@errata/contracts';
import { Link } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useSession } from '../../api/session.ts';
import { Empty } from '../../parts/empty.tsx';
import { KeyLife } from '../../parts/key-life.tsx';
import { More } from '../../parts/more.tsx';
import { Problem } from '../../parts/problem.tsx';
import { PersonMember } from './person-member.tsx';

interface MembersProps {
  readonly of: ProjectResource;
}

export function Members({ of: project }: MembersProps) {
  const list = (kind: MemberResource['kind']) => () => errata.members.list(project.id, { kind, limit: 50 });
  const people = usePages(['members', project.id, 'person'], list('person'));
  const keys = usePages(['members', project.id, 'key'], list('key'), { enabled: people.found.isSuccess });
  const { error } = people.found;
  if (error instanceof ErrataError && refusals.includes(error.code)) return <NotForYou />;
  return (
    <>
      <section className="stack tight" aria-label="People">
        <h2>People</h2>
        <Problem error={error} />
        {people.found.isPending && <p className="soft">Loading…</p>}
        {people.found.isSuccess && people.items.length === 0 && (
          <Empty title="Nobody has a role in it">
            <p>
              People come by the roles that the provider of identities gives them. Who has one in the whole service
              reaches this project too, and is not listed.
            </p>
          </Empty>
        )}
        {people.items.length > 0 && (
          <ul className="card plain stack" aria-label="People">
            {people.items.map((person) => (
              <PersonMember key={person.id} project={project} of={person} />
            ))}
          </ul>
        )}
        <More of={people.found}>More people</More>
      </section>
      <section className="stack tight" aria-label="Keys">
        <h2>Keys</h2>
        <Problem error={keys.found.error} />
        {keys.found.isSuccess && keys.items.length === 0 && (
          <Empty title="No key is for it">
            <p>
              Made with <code>errata keys create --project {project.name}</code>, a key reaches the models of this
              project alone. Keys for the whole service reach them too, and are not listed.
            </p>
          </Empty>
        )}
        {keys.items.length > 0 && (
          <>
            <ul className="card plain stack" aria-label="Keys">
              {keys.items.map((key) => (
                <KeyMember key={key.id} of={key} />
              ))}
            </ul>
            <p className="small soft">
              They are replaced and revoked under <Link to="/keys">Keys</Link>.
            </p>
          </>
        )}
        <More of={keys.found}>More keys</More>
      </section>
    </>
  );
}

/** How those are refused who do not administer this project, whatever they are elsewhere. */
const refusals: readonly string[] = ['missing_scope', 'model_out_of_reach'];

export function NotForYou() {
  return <p className="soft">To see who is in a project takes the scope admin in it.</p>;
}

function KeyMember({ of }: { readonly of: MemberResource }) {
  const { id, name, role, scopes, models } = of;
  const { key } = useSession();
  return (
    <li className="named">
      <strong>{name}</strong> {role !== null && <span className="badge">{role}</span>}{' '}
      {key?.id === id && <span className="badge">yours</span>}
      <p className="small soft">
        may do {scopes.includes('admin') ? 'everything' : scopes.join(', ')}
        {models !== null && ` of ${models.length === 1 ? 'one model' : `${models.length} models`}`}; <KeyLife of={of} />
      </p>
    </li>
  );
}
