// The policy of a branch in a form, with what its gate would have made of recent batches beside it.
import type { BranchPolicy, PolicyRevision } from '@errata/contracts';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { errata } from '../../api/client.ts';
import { useWhere } from '../../api/models.ts';
import { useSession } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { JudgeTabs } from '../../parts/judge-tabs.tsx';
import { Problem } from '../../parts/problem.tsx';
import { When } from '../../parts/when.tsx';
import { Canaries } from './canaries.tsx';
import { Passage } from './passage.tsx';
import { Preview } from './preview.tsx';
import { Rules } from './rules.tsx';
import './gate.css';

export function Gate() {
  const { model, branch, error: unknown } = useWhere();
  const { data: policy, error } = useQuery({
    queryKey: ['policy', model, branch],
    queryFn: () => errata.branches.policy(model!, branch),
    enabled: model !== undefined,
  });
  return (
    <div className="stack">
      <h1>The gate of {branch}</h1>
      <JudgeTabs branch={branch} />
      <Problem error={unknown ?? error} />
      {model !== undefined && policy !== undefined && (
        <Policy key={`${model} ${branch} ${policy.revision}`} model={model} branch={branch} stored={policy} />
      )}
    </div>
  );
}

interface PolicyProps {
  readonly model: string;
  readonly branch: string;
  readonly stored: PolicyRevision;
}

/** What of a revision is the policy itself. */
const policyOf = ({
  gate,
  approval,
  approval_hours,
  auto_rollback,
  protected: guarded,
}: PolicyRevision): BranchPolicy => {
  const { not_understood: _, ...understood } = gate;
  return { gate: understood, approval, approval_hours, auto_rollback, protected: guarded };
};

function Policy({ model, branch, stored }: PolicyProps) {
  const queries = useQueryClient();
  const { may } = useSession();
  const [draft, setDraft] = useState(() => policyOf(stored));
  const [saving, setSaving] = useState(false);
  const changed = JSON.stringify(draft) !== JSON.stringify(policyOf(stored));
  const { gate } = draft;
  const lost = stored.gate.not_understood ?? [];
  return (
    <div className="stack">
      {lost.length > 0 && (
        <p className="note bad">
          This build does not understand all of it, and nothing passes until it is changed:{' '}
          {lost.map(({ name, why }) => `${name} (${why})`).join('; ')}. Saving drops that.
        </p>
      )}
      <Rules rules={gate.rules} onChange={(rules) => setDraft({ ...draft, gate: { ...gate, rules } })} />
      <Canaries
        canaries={gate.canaries ?? []}
        onChange={(canaries) => {
          const { canaries: _, ...rest } = gate;
          setDraft({ ...draft, gate: canaries.length === 0 ? rest : { ...rest, canaries } });
        }}
      />
      <Passage policy={draft} onChange={setDraft} />
      {may('admin') ? (
        <div className="row">
          <button type="button" className="button primary" disabled={!changed} onClick={() => setSaving(true)}>
            Save the gate
          </button>
          <button type="button" className="button" disabled={!changed} onClick={() => setDraft(policyOf(stored))}>
            As it was
          </button>
        </div>
      ) : (
        <p className="small soft">
          To save a gate takes a key with the scope admin; what it would do is shown all the same.
        </p>
      )}
      <Preview model={model} branch={branch} gate={gate} changed={changed} />
      <Revisions model={model} branch={branch} latest={stored.revision} />
      {saving && (
        <Confirm
          title={`Change the gate of ${branch}?`}
          action="Change the gate"
          withReason
          onClose={() => setSaving(false)}
          onConfirm={async (reason) => {
            await errata.branches.setPolicy(model, branch, { ...draft, reason, if_revision: stored.revision });
            await queries.invalidateQueries({ queryKey: ['policy', model, branch] });
          }}
        >
          <p>Whatever is submitted to {branch} from now on is held against it. What it has already applied stays.</p>
        </Confirm>
      )}
    </div>
  );
}

const shown = 20;

function Revisions({
  model,
  branch,
  latest,
}: {
  readonly model: string;
  readonly branch: string;
  readonly latest: number;
}) {
  const { data: revisions, error } = useQuery({
    queryKey: ['policies', model, branch, latest],
    queryFn: async () => (await errata.branches.policies(model, branch, { limit: shown }).page()).data,
  });
  return (
    <details className="card">
      <summary>Every change of it</summary>
      <Problem error={error} />
      <ol className="plain stack tight">
        {revisions?.map(({ revision, reason, changed_by, created_at, gate }) => (
          <li key={revision}>
            <strong>{revision}</strong> <When at={created_at} />
            {changed_by === null ? ', by the service' : `, by ${changed_by}`}: {gate.rules.length} rules,{' '}
            {gate.canaries?.length ?? 0} canaries{reason !== null && <span className="soft"> “{reason}”</span>}
          </li>
        ))}
      </ol>
    </details>
  );
}
