// Another role for a person in a project, or the one that the provider of identities says.
import { type MemberResource, type ProjectResource, type Role, roles } from '@errata/contracts';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { errata } from '../../api/client.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Problem } from '../../parts/problem.tsx';

const words: Readonly<Record<Role, string>> = {
  reader: 'asks, and sees everything',
  editor: 'corrects and evaluates, too',
  maintainer: 'takes back, names versions and approves, too',
  admin: 'everything: members, keys, gates, imports',
};

interface ChangeRoleProps {
  readonly project: ProjectResource;
  readonly of: MemberResource;
  readonly onClose: () => void;
}

export function ChangeRole({ project, of: { id, name, role, provider_role, given_by }, onClose }: ChangeRoleProps) {
  const queries = useQueryClient();
  const [chosen, setChosen] = useState(given_by === 'provider' ? null : (role ?? 'reader'));
  const give = useMutation({
    mutationFn: () => errata.members.setRole(project.id, id, chosen),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['members', project.id] });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    give.mutate();
  };
  return (
    <Dialog title={`The role of ${name} in ${project.name}`} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <fieldset className="choices stack tight">
          <legend className="label">It is</legend>
          <label className="check">
            <input type="radio" name="role" checked={chosen === null} onChange={() => setChosen(null)} />
            <span>what the provider of identities says, now {provider_role ?? 'none'}</span>
          </label>
          {roles.map((each) => (
            <label key={each} className="check">
              <input type="radio" name="role" checked={chosen === each} onChange={() => setChosen(each)} />
              <span>
                <strong>{each}</strong> <span className="small soft">{words[each]}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <Problem error={give.error} />
        <div className="row">
          <button type="submit" className="button primary" disabled={give.isPending}>
            Give the role
          </button>
          <button type="button" className="button" onClick={onClose}>
            Leave it as it is
          </button>
        </div>
      </form>
    </Dialog>
  );
}
