// What can be watched: jobs, the queue with those who work, and schedules.
import { Link } from '@tanstack/react-router';

export function WatchTabs() {
  return (
    <div className="tabs">
      <Link to="/jobs">Jobs</Link>
      <Link to="/queue">Queue and workers</Link>
      <Link to="/schedules">Schedules</Link>
    </div>
  );
}
