// One edit taken back, out of whatever batch it came in: first it is told what that will do.
import type { RollbackPlanResource } from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { errata } from '../api/client.ts';
import { useWhere } from '../api/models.ts';
import { useSession } from '../api/session.ts';
import { Confirm } from './confirm.tsx';
import { Problem } from './problem.tsx';
import { shortVersion } from './version-id.tsx';

interface TakenEdit {
  readonly id: string;
  readonly prompt: string;
  readonly target_new: string;
}

/** A button, where the key may take edits back: from the branch that the page is about. */
export function TakeBackEdit({ edit }: { readonly edit: TakenEdit }) {
  const { may } = useSession();
  const { model } = useWhere();
  const [asked, setAsked] = useState(false);
  if (model === undefined || !may('versions:rollback')) return null;
  return (
    <>
      <button
        type="button"
        className="button small"
        aria-label={`Take back: ${edit.prompt} ${edit.target_new}`}
        onClick={() => setAsked(true)}
      >
        Take back
      </button>
      {asked && <Sheet edit={edit} model={model} onClose={() => setAsked(false)} />}
    </>
  );
}

interface SheetProps {
  readonly edit: TakenEdit;
  readonly model: string;
  readonly onClose: () => void;
}

type Mode = 'exact' | 'subtract';

function usePlan(model: string, branch: string, id: string, mode: Mode) {
  return useQuery({
    queryKey: ['rollback plan', model, branch, id, mode],
    queryFn: () => errata.rollbacks.plan({ model, branch, mode, revert_edit_ids: [id] }),
    staleTime: 0,
  });
}

function Sheet({ edit: { id, prompt, target_new }, model, onClose }: SheetProps) {
  const navigate = useNavigate();
  const { branch } = useWhere();
  const [mode, setMode] = useState<Mode>('exact');
  const exact = usePlan(model, branch, id, 'exact');
  const subtract = usePlan(model, branch, id, 'subtract');
  const plan = mode === 'exact' ? exact.data : subtract.data;
  return (
    <Confirm
      title={`Take this edit back from ${branch}?`}
      name={branch}
      action="Take it back"
      withReason
      onClose={onClose}
      onConfirm={async (reason) => {
        const job = await errata.rollbacks.create({
          model,
          branch,
          mode,
          reason,
          revert_edit_ids: [id],
          ...(plan === undefined ? {} : { parent_version_id: plan.parent_version_id }),
        });
        await navigate({ to: '/jobs/$job', params: { job: job.id } });
      }}
    >
      <div className="stack tight">
        <p>
          {prompt} <strong>{target_new}</strong>
        </p>
        <Problem error={exact.error} />
        {exact.error === null && (
          <fieldset className="stack tight choices">
            <legend className="label">How</legend>
            <label className="small">
              <input type="radio" name="mode" checked={mode === 'exact'} onChange={() => setMode('exact')} /> Exact:{' '}
              {exact.data === undefined ? 'looking…' : exactly(exact.data)}
            </label>
            <label className="small">
              <input
                type="radio"
                name="mode"
                disabled={subtract.data === undefined || subtract.data.shared_with > 0}
                checked={mode === 'subtract'}
                onChange={() => setMode('subtract')}
              />{' '}
              Subtract: {subtract.data === undefined ? 'looking…' : subtracting(subtract.data)}
            </label>
          </fieldset>
        )}
      </div>
    </Confirm>
  );
}

const numbers = new Intl.NumberFormat();
const counted = (count: number, one: string, many: string) => `${numbers.format(count)} ${count === 1 ? one : many}`;

/** Deltas that are rows of a memory: each is there by itself, in whatever order they came. */
const rows = ['text_rows', 'aligned_rows', 'embedded_rows', 'prompt_rows', 'scoped_rows', 'patch_rows'];
const isMemory = ({ deltas }: RollbackPlanResource) =>
  deltas.length > 0 && deltas.every(({ kind }) => rows.includes(kind));

function exactly(plan: RollbackPlanResource): string {
  const { replays, version_id, branch } = plan;
  if (replays === null || replays.edits === 0)
    return `nothing was asked for with it or after it, so that ${branch} goes back to ${
      version_id === null ? 'the version before it' : shortVersion(version_id)
    }, bit for bit.`;
  const again = `${counted(replays.edits, 'edit', 'edits')} of ${counted(replays.jobs, 'batch', 'batches')}, asked for with it or after it,`;
  return `${branch} comes to what it would be, had this edit never been asked for. ${again} ${
    replays.edits === 1 ? 'is' : 'are'
  } made again, and every batch must pass its gate.`;
}

function subtracting(plan: RollbackPlanResource): string {
  if (plan.shared_with > 0)
    return `not by itself. It was solved together with ${counted(plan.shared_with, 'other', 'others')}, and what they left cannot be taken apart.`;
  const left = plan.deltas.map(({ kind, count }) =>
    counted(count, kind.replaceAll('_', ' '), `${kind.replaceAll('_', ' ')}`),
  );
  if (isMemory(plan))
    return 'its row of the memory is left out, and every other row stays as it is. The edits that stay are measured, and must pass the gate.';
  return `what it left (${left.join(', ')}) is left out, and later edits stay as they were computed with it in place: quick, and an approximation. The edits that stay are measured, and must pass the gate.`;
}
