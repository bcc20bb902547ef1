// Edits, newest first, by what they say, by whom and when they were asked for.
import { getRouteApi, Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { errata } from '../../api/client.ts';
import { useWhere } from '../../api/models.ts';
import { onceRead, usePages } from '../../api/pages.ts';
import { Empty } from '../../parts/empty.tsx';
import { Field } from '../../parts/field.tsx';
import { JobStateBadge } from '../../parts/job-state.tsx';
import { LongList } from '../../parts/long-list.tsx';
import { Problem } from '../../parts/problem.tsx';
import { When } from '../../parts/when.tsx';
import './edits.css';

const route = getRouteApi('/edits');

/** The beginning of a day of the viewer's calendar, or of one after it; undefined where it is no day. */
function beginningOf(day: string | undefined, later = 0): string | undefined {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day ?? '') ?? [];
  return year === undefined ? undefined : new Date(Number(year), Number(month) - 1, Number(date) + later).toISOString();
}

export function Edits() {
  const { text, by, from, to } = route.useSearch();
  const { model } = useWhere();
  const query = { model, text, created_by: by, since: beginningOf(from), before: beginningOf(to, 1) };
  const { found, items: edits } = usePages(['edits', query], () => errata.edits.list({ ...query, limit: 100 }), {
    enabled: model !== undefined,
    ...onceRead,
  });
  return (
    <div className="stack">
      <h1>Edits of {model ?? 'a model'}</h1>
      <Search key={`${text} ${by} ${from} ${to}`} />
      <Problem error={found.error} />
      {found.isSuccess && edits.length === 0 && (
        <Empty title={nothing(text, by, from ?? to)}>
          <p>
            {text === undefined && by === undefined && from === undefined && to === undefined
              ? 'What was ever asked for is found here, whatever came of it.'
              : 'Take away a word, a name or a day to find more.'}
          </p>
        </Empty>
      )}
      {edits.length > 0 && (
        <LongList label="Edits" className="edits card" items={edits} keyOf={({ id }) => id} estimate={44} of={found}>
          {({ prompt, target_new, target_true, branch, state, job_id, author, created_at }) => (
            <>
              <span className="what">
                {prompt} <strong>{target_new}</strong>
                {target_true !== null && <span className="soft"> (was {target_true})</span>}
              </span>
              <JobStateBadge state={state} />
              <span className="small soft origin">
                {branch !== null && `on ${branch}, `}
                {author !== null && (
                  <>
                    by{' '}
                    <Link to="/edits" search={(now) => ({ ...now, by: author })}>
                      {author}
                    </Link>
                    ,{' '}
                  </>
                )}
                <When at={created_at} />{' '}
                <Link to="/jobs/$job" params={{ job: job_id }}>
                  job
                </Link>{' '}
                <Link to="/why" search={(now) => ({ ...now, prompt })}>
                  why
                </Link>
              </span>
            </>
          )}
        </LongList>
      )}
    </div>
  );
}

function nothing(text: string | undefined, by: string | undefined, day: string | undefined): string {
  if (text !== undefined) return `No edit says “${text}”${by === undefined ? '' : ` and is by ${by}`}`;
  if (by !== undefined) return `No edit is by ${by}`;
  return day === undefined ? 'No edits yet' : 'No edit is of these days';
}

function Search() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [text, setText] = useState(search.text ?? '');
  const [by, setBy] = useState(search.by ?? '');
  const given = (value: string) => (value === '' ? undefined : value);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void navigate({ search: (now) => ({ ...now, text: given(text.trim()), by: given(by.trim()) }) });
  };
  return (
    <form className="row edit-search" onSubmit={submit}>
      <div className="grow">
        <Field label="Words" hint="In the prompt, the subject or the new answer">
          <input type="search" value={text} maxLength={400} onChange={({ target }) => setText(target.value)} />
        </Field>
      </div>
      <Field label="By" hint="Name of a key">
        <input type="search" value={by} maxLength={200} onChange={({ target }) => setBy(target.value)} />
      </Field>
      <Field label="From">
        <input
          type="date"
          defaultValue={search.from}
          onChange={({ target }) => void navigate({ search: (now) => ({ ...now, from: given(target.value) }) })}
        />
      </Field>
      <Field label="To">
        <input
          type="date"
          defaultValue={search.to}
          onChange={({ target }) => void navigate({ search: (now) => ({ ...now, to: given(target.value) }) })}
        />
      </Field>
      <button type="submit" className="button primary">
        Find
      </button>
    </form>
  );
}
