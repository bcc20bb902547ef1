// A person in a project: the role, whose word that is, and what can be done about it.
import type { MemberResource, ProjectResource } from '@errata/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { errata } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { When } from '../../parts/when.tsx';
import { ChangeRole } from './change-role.tsx';

interface PersonMemberProps {
  readonly project: ProjectResource;
  readonly of: MemberResource;
}

export function PersonMember({ project, of }: PersonMemberProps) {
  const { id, name, role, provider_role, given_by, created_at, last_used_at } = of;
  const queries = useQueryClient();
  const { key } = useSession();
  const [asked, setAsked] = useState<'role' | 'remove' | null>(null);
  return (
    <li className="row">
      <div className="grow named">
        <strong>{name}</strong> <span className={`badge ${role === null ? 'bad' : ''}`}>{role ?? 'removed'}</span>{' '}
        {key?.id === id && <span className="badge">you</span>}
        <p className="small soft">
          {given_by === 'provider'
            ? 'as the provider of identities says'
            : `said here; the provider of identities says ${provider_role ?? 'none'}`}
          ; first here <When at={created_at} />
          {last_used_at !== null && (
            <>
              , last <When at={last_used_at} />
            </>
          )}
        </p>
      </div>
      <button
        type="button"
        className="button"
        aria-label={`Change the role of ${name}`}
        onClick={() => setAsked('role')}
      >
        Change the role
      </button>
      {role !== null && (
        <button
          type="button"
          className="button danger"
          aria-label={`Remove ${name}`}
          onClick={() => setAsked('remove')}
        >
          Remove
        </button>
      )}
      {asked === 'role' && <ChangeRole project={project} of={of} onClose={() => setAsked(null)} />}
      {asked === 'remove' && (
        <Confirm
          title={`Remove ${name} from ${project.name}?`}
          action="Remove from the project"
          onClose={() => setAsked(null)}
          onConfirm={async () => {
            await errata.members.remove(project.id, id);
            await queries.invalidateQueries({ queryKey: ['members', project.id] });
          }}
        >
          <p>
            What they ask of this project is refused from then on, whatever the provider of identities says, until they
            are given a role here. Keys that they made stay, and so does what they did.
            {key?.id === id && ' It is you: somebody else has to let you in again.'}
          </p>
        </Confirm>
      )}
    </li>
  );
}
