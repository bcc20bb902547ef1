// One edit in a form, with the prompts that should follow it and those that should not.
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { Field } from '../../parts/field.tsx';
import { type DraftField, editOf, newDraft } from './drafts.ts';
import { Submit, useSubmission } from './submit.tsx';

const route = getRouteApi('/correct');

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

export function One({ model, branch }: { readonly model: string; readonly branch: string }) {
  const given = route.useSearch();
  const [draft, setDraft] = useState(() =>
    newDraft({ prompt: given.prompt ?? '', subject: given.subject ?? '', target_true: '' }),
  );
  const [rephrases, setRephrases] = useState('');
  const [unchanged, setUnchanged] = useState('');
  const submission = useSubmission({ model, branch });
  const { faults } = submission;
  const bind = (field: DraftField) => ({
    value: draft[field],
    onChange: ({ target }: { target: { value: string } }) => {
      submission.forget();
      setDraft({ ...draft, [field]: target.value });
    },
  });
  const edit = {
    ...editOf(draft),
    rephrases: lines(rephrases),
    ...(lines(unchanged).length === 0
      ? {}
      : { locality: { neighbourhood: lines(unchanged).map((prompt) => ({ prompt })) } }),
  };
  const ready = draft.prompt.trim() !== '' && draft.target_new.trim() !== '';
  return (
    <div className="stack">
      <div className="card stack">
        {given.was !== undefined && (
          <p className="note">
            The model answered <q>{given.was}</q>.
          </p>
        )}
        <Field
          label="Prompt"
          fault={faults.at(0, 'prompt')}
          hint="The beginning of a sentence that the right answer completes; the subject stands in it, word for word"
        >
          <textarea rows={2} required placeholder="Hunger's author is" {...bind('prompt')} />
        </Field>
        <div className="edit-fields">
          <Field
            label="Subject"
            fault={faults.at(0, 'subject')}
            hint="What the prompt is about, as it stands there; most editors need it"
          >
            <input placeholder="Hunger" {...bind('subject')} />
          </Field>
          <Field label="Right answer" fault={faults.at(0, 'target_new')}>
            <input required placeholder="Knut Hamsun" {...bind('target_new')} />
          </Field>
        </div>
        <details>
          <summary>More: what should follow, and what should stay</summary>
          <div className="stack more">
            <Field
              label="Present answer"
              fault={faults.at(0, 'target_true')}
              hint="Where it is known: how much less likely it becomes is then measured too"
            >
              <input {...bind('target_true')} />
            </Field>
            <Field
              label="The same asked otherwise"
              fault={faults.at(0, 'rephrases')}
              hint="One a line: measured as generalization"
            >
              <textarea rows={3} value={rephrases} onChange={({ target }) => setRephrases(target.value)} />
            </Field>
            <Field
              label="Prompts whose answers must stay"
              fault={faults.at(0, 'locality')}
              hint="One a line: measured as locality, against what the model answers now"
            >
              <textarea rows={3} value={unchanged} onChange={({ target }) => setUnchanged(target.value)} />
            </Field>
          </div>
        </details>
      </div>
      <Submit submission={submission} edits={[edit]} ready={ready} branch={branch} />
    </div>
  );
}
