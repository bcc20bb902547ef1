// The schedules of a model: when each runs next, what waits for it, what its runs came to, and a calendar of them all.
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { useWhere } from '../../api/models.ts';
import { useSession } from '../../api/session.ts';
import { Empty } from '../../parts/empty.tsx';
import { Problem } from '../../parts/problem.tsx';
import { WatchTabs } from '../../parts/watch-tabs.tsx';
import { Calendar } from './calendar.tsx';
import { NewSchedule } from './new-schedule.tsx';
import { Schedule } from './schedule.tsx';
import './schedules.css';

const route = getRouteApi('/schedules');
const everyMs = 5000;

export function Schedules() {
  const { making } = route.useSearch();
  const { model, branch, error: unknown } = useWhere();
  const { may } = useSession();
  const { data: schedules, error } = useQuery({
    queryKey: ['schedules', model],
    queryFn: () => errata.schedules.list({ model, limit: 100 }).all(),
    enabled: model !== undefined,
    refetchInterval: everyMs,
  });
  return (
    <div className="stack">
      <h1>Schedules</h1>
      <WatchTabs />
      <Problem error={unknown ?? error} />
      {model !== undefined && may('edits:write') && (
        <div className="row">
          <Link
            from="/schedules"
            search={(now) => ({ ...now, making: making ? undefined : true })}
            className="button primary"
          >
            {making ? 'Leave it' : 'New schedule'}
          </Link>
        </div>
      )}
      {making && model !== undefined && <NewSchedule model={model} branch={branch} />}
      {schedules?.length === 0 && !making && (
        <Empty title="Nothing is scheduled">
          <p>
            Edits that are left in the inbox of a branch wait for a schedule, which makes a batch of them: every night,
            or as soon as so many wait.
          </p>
        </Empty>
      )}
      {schedules !== undefined && schedules.length > 0 && (
        <>
          <ul className="plain stack">
            {schedules.map((schedule) => (
              <Schedule key={schedule.id} schedule={schedule} />
            ))}
          </ul>
          <Calendar schedules={schedules} />
        </>
      )}
    </div>
  );
}
