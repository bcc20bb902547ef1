// Jobs, newest first, as they go.
import { jobKinds, jobStates } from '@errata/contracts';
import { getRouteApi } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { useWhere } from '../../api/models.ts';
import { usePages } from '../../api/pages.ts';
import { whileMoving } from '../../api/queries.ts';
import { Empty } from '../../parts/empty.tsx';
import { JobList } from '../../parts/job-list.tsx';
import { isMoving } from '../../parts/job-state.tsx';
import { More } from '../../parts/more.tsx';
import { Problem } from '../../parts/problem.tsx';
import { WatchTabs } from '../../parts/watch-tabs.tsx';

const route = getRouteApi('/jobs');
const whenStill = 5000;
const inWords = (name: string) => name.replaceAll('_', ' ');

export function Jobs() {
  const { kind, state, here } = route.useSearch();
  const navigate = route.useNavigate();
  const { model, branch } = useWhere();
  const where = here ? { model, branch } : {};
  const { found, items: jobs } = usePages(
    ['jobs', { kind, state, ...where }],
    () => errata.jobs.list({ kind, state, ...where, limit: 50 }),
    {
      refetchInterval: ({ state: { data } }) =>
        data?.pages.some((page) => page.data.some((job) => isMoving(job.state))) ? whileMoving : whenStill,
    },
  );
  const filtered = kind !== undefined || state !== undefined || here === true;
  return (
    <div className="stack">
      <h1>Jobs</h1>
      <WatchTabs />
      <div className="row">
        <Choice
          label="Kind"
          all="all kinds"
          choices={jobKinds.filter((each) => each !== 'evaluation_shard')}
          value={kind}
          onChoose={(chosen) => void navigate({ search: (now) => ({ ...now, kind: chosen }) })}
        />
        <Choice
          label="State"
          all="all states"
          choices={jobStates}
          value={state}
          onChoose={(chosen) => void navigate({ search: (now) => ({ ...now, state: chosen }) })}
        />
        <label className="check small">
          <input
            type="checkbox"
            checked={here === true}
            onChange={({ target }) =>
              void navigate({ search: (now) => ({ ...now, here: target.checked ? true : undefined }) })
            }
          />
          only of {model ?? 'this model'}, {branch}
        </label>
      </div>
      <Problem error={found.error} />
      {found.isSuccess && jobs.length === 0 && (
        <Empty title={filtered ? 'No job is like that' : 'No jobs yet'}>
          <p>
            {filtered
              ? 'Choose all kinds and all states to see every job.'
              : 'Import a model first: npx errata import atlas models/atlas. Its job appears here at once.'}
          </p>
        </Empty>
      )}
      {jobs.length > 0 && <JobList jobs={jobs} />}
      <More of={found}>Older jobs</More>
    </div>
  );
}

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly all: string;
  readonly choices: readonly T[];
  readonly value: T | undefined;
  readonly onChoose: (value: T | undefined) => void;
}

function Choice<T extends string>({ label, all, choices, value, onChoose }: ChoiceProps<T>) {
  return (
    <label className="check small">
      {label}
      <select
        className="input"
        value={value ?? ''}
        onChange={({ target }) => onChoose(choices.find((choice) => choice === target.value))}
      >
        <option value="">{all}</option>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {inWords(choice)}
          </option>
        ))}
      </select>
    </label>
  );
}
