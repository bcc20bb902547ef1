// What is done with edits that have been written: looked at, tried, submitted to the branch, or left in its inbox.
import type { EditInput, EditPlan } from '@errata/contracts';
import { useMutation } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { duration } from '../../parts/duration.ts';
import { Problem } from '../../parts/problem.tsx';
import { VersionId } from '../../parts/version-id.tsx';
import { faultsOf } from './drafts.ts';

type Edits = readonly Partial<EditInput>[];

export function useSubmission({ model, branch }: { readonly model: string; readonly branch: string }) {
  const navigate = useNavigate();
  const request = (edits: Edits) => ({ model, branch, edits: [...edits] });
  const goTo = ({ id }: { readonly id: string }) => void navigate({ to: '/jobs/$job', params: { job: id } });
  const plan = useMutation({ mutationFn: (edits: Edits) => errata.editJobs.plan(request(edits)) });
  const attempt = useMutation({ mutationFn: (edits: Edits) => errata.editJobs.try(request(edits)), onSuccess: goTo });
  const submit = useMutation({ mutationFn: (edits: Edits) => errata.editJobs.create(request(edits)), onSuccess: goTo });
  const leave = useMutation({
    mutationFn: async (edits: Edits) => {
      const { id } = await errata.branches.get(model, branch);
      return errata.inbox.add(id, edits as Parameters<typeof errata.inbox.add>[1]);
    },
  });
  const all = [plan, attempt, submit, leave];
  const error = all.find((each) => each.error !== null)?.error ?? null;
  const forget = () => {
    for (const each of all) each.reset();
  };
  const afresh = (work: (edits: Edits) => void) => (edits: Edits) => {
    forget();
    work(edits);
  };
  return {
    plan,
    error,
    faults: faultsOf(error),
    isPending: all.some((each) => each.isPending),
    receipt: leave.data,
    /** What was found is no longer about what stands there. */
    forget,
    check: afresh(plan.mutate),
    attempt: afresh(attempt.mutate),
    submit: afresh(submit.mutate),
    leave: afresh(leave.mutate),
  };
}

interface SubmitProps {
  readonly submission: ReturnType<typeof useSubmission>;
  readonly edits: Edits;
  /** Whether there is enough to be looked at. */
  readonly ready: boolean;
  readonly branch: string;
}

export function Submit({ submission, edits, ready, branch }: SubmitProps) {
  const { may } = useSession();
  const { plan, error, receipt, isPending } = submission;
  const disabled = !ready || isPending || !may('edits:write');
  return (
    <div className="stack">
      <div className="row">
        <button type="button" className="button primary" disabled={disabled} onClick={() => submission.submit(edits)}>
          Submit to {branch}
        </button>
        <button type="button" className="button" disabled={disabled} onClick={() => submission.check(edits)}>
          Check only
        </button>
        <button type="button" className="button" disabled={disabled} onClick={() => submission.attempt(edits)}>
          Try, and commit nothing
        </button>
        <button type="button" className="button" disabled={disabled} onClick={() => submission.leave(edits)}>
          Leave in the inbox
        </button>
      </div>
      {!may('edits:write') && <p className="note warn">To correct a model takes a key with the scope edits:write.</p>}
      <Problem error={error} />
      {plan.data !== undefined && <Plan plan={plan.data} />}
      {receipt !== undefined && (
        <p className="note good" role="status">
          {receipt.accepted === 0 ? 'Word for word the same waited already' : `${receipt.accepted} left`} in the inbox
          of {branch}, where {receipt.pending} {receipt.pending === 1 ? 'edit waits' : 'edits wait'} for the next run of
          a schedule.
        </p>
      )}
    </div>
  );
}

const numbers = new Intl.NumberFormat();

function Plan({
  plan: { edits, editor, branch, parent_version_id, tokens, cost, conflicts },
}: {
  readonly plan: EditPlan;
}) {
  return (
    <section className="note good stack tight" role="status">
      <p>
        All is well with {edits === 1 ? 'the edit' : `all ${numbers.format(edits)} edits`}. By {editor}, on {branch} at{' '}
        <VersionId id={parent_version_id} />: {numbers.format(tokens.total)} tokens, the longest prompt with its answer{' '}
        {numbers.format(tokens.longest)} of {numbers.format(tokens.context)} that the model reads.
      </p>
      <p>
        {cost.seconds === null
          ? 'How long it will take cannot be told: no job of this editor has ended on this model.'
          : `It will take about ${duration(cost.seconds * 1000)}, by the median of ${cost.jobs} ended ${cost.jobs === 1 ? 'job' : 'jobs'}.`}
      </p>
      {conflicts.length > 0 && (
        <>
          <p>The branch has edits that answer the same questions:</p>
          <ul>
            {conflicts.map(({ custom_id, edit_id, target_new, active_target, same_answer }) => (
              <li key={`${custom_id} ${edit_id}`}>
                {same_answer ? (
                  <>
                    <q>{target_new}</q> is given by one already
                  </>
                ) : (
                  <>
                    <q>{active_target}</q> gives way to <q>{target_new}</q>
                  </>
                )}{' '}
                (<code>{custom_id}</code>)
              </li>
            ))}
          </ul>
        </>
      )}
      <p className="soft small">
        Nothing has been submitted. <Link to="/jobs">Jobs that are at work</Link> may move the branch meanwhile.
      </p>
    </section>
  );
}
