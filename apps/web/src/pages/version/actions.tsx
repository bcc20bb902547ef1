// What can be done with a version: a branch set back to it, what it brought taken back, made again elsewhere, or named.
import type { VersionResource } from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { errata } from '../../api/client.ts';
import { useWhere } from '../../api/models.ts';
import { useSession } from '../../api/session.ts';
import { CherryPick } from './cherry-pick.tsx';
import { NameVersion } from './name-version.tsx';
import { Reset } from './reset.tsx';
import { Revert } from './revert.tsx';

const actions = {
  reset: { Sheet: Reset, scope: 'versions:rollback' },
  revert: { Sheet: Revert, scope: 'versions:rollback' },
  'cherry-pick': { Sheet: CherryPick, scope: 'edits:write' },
  name: { Sheet: NameVersion, scope: 'aliases:write' },
} as const;

type Action = keyof typeof actions;

export function VersionActions({ version }: { readonly version: VersionResource }) {
  const [open, setOpen] = useState<Action | null>(null);
  const { may } = useSession();
  const { model, branch, resource } = useWhere();
  const { job_id } = version;
  const { data: job } = useQuery({
    queryKey: ['job', job_id],
    queryFn: () => errata.jobs.get(job_id!),
    enabled: job_id !== null,
  });
  const head = resource?.branches.find(({ name }) => name === branch)?.head;
  if (model === undefined || resource?.model_id !== version.model_id || head === undefined) return null;
  const isEdit = job?.kind === 'edit';
  const offered: readonly (readonly [Action, string, boolean])[] = [
    ['reset', `Set ${branch} back to it`, head !== version.id],
    ['revert', 'Take its edits back', isEdit],
    ['cherry-pick', 'Make its edits elsewhere', isEdit],
    ['name', 'Name it', true],
  ];
  const possible = offered.filter(([action, , makesSense]) => makesSense && may(actions[action].scope));
  const Sheet = open === null ? null : actions[open].Sheet;
  return (
    <div className="row">
      {possible.map(([action, words]) => (
        <button key={action} type="button" className="button" onClick={() => setOpen(action)}>
          {words}
        </button>
      ))}
      {Sheet !== null && (
        <Sheet version={version} model={model} branch={branch} head={head} onClose={() => setOpen(null)} />
      )}
    </div>
  );
}
