// What besides the gate a branch asks for: what a batch that fails comes to, approvals, the way back, protection.
import type { BranchPolicy } from '@errata/contracts';
import { Field } from '../../parts/field.tsx';

interface PassageProps {
  readonly policy: BranchPolicy;
  readonly onChange: (policy: BranchPolicy) => void;
}

export function Passage({ policy, onChange }: PassageProps) {
  const { gate, approval, approval_hours, auto_rollback } = policy;
  return (
    <section className="card stack" aria-label="Passage">
      <h2>And then</h2>
      <div className="gate-passage">
        <Field label="A batch that fails">
          <select
            value={gate.on_failure ?? 'refuse'}
            onChange={({ target }) => {
              const { on_failure: _, ...rest } = gate;
              onChange({ ...policy, gate: target.value === 'bisect' ? { ...rest, on_failure: 'bisect' } : rest });
            }}
          >
            <option value="refuse">is turned down as a whole</option>
            <option value="bisect">is taken apart: what passes together is applied</option>
          </select>
        </Field>
        <Field label="What passes">
          <select
            value={approval}
            onChange={({ target }) =>
              onChange({ ...policy, approval: target.value === 'required' ? 'required' : 'none' })
            }
          >
            <option value="none">is applied</option>
            <option value="required">waits for a second person</option>
          </select>
        </Field>
        {approval === 'required' && (
          <Field label="For so many hours at most" hint="For as long as it takes when empty">
            <input
              type="number"
              min={1}
              max={8760}
              value={approval_hours ?? ''}
              onChange={({ target }) =>
                onChange({ ...policy, approval_hours: target.value === '' ? null : Number(target.value) })
              }
            />
          </Field>
        )}
        <Field label="A later evaluation that fails">
          <select
            value={auto_rollback}
            onChange={({ target }) =>
              onChange({ ...policy, auto_rollback: target.value === 'reset' ? 'reset' : 'off' })
            }
          >
            <option value="off">is shown</option>
            <option value="reset">sends the branch back to the last version that passed one</option>
          </select>
        </Field>
      </div>
      <label className="check">
        <input
          type="checkbox"
          checked={policy.protected}
          onChange={({ target }) => onChange({ ...policy, protected: target.checked })}
        />
        Protected: every edit and revert needs an approval, and nobody resets or deletes the branch
      </label>
    </section>
  );
}
