// Jobs as a list, each with its state, what it is to do, where and since when.
import type { JobResource } from '@errata/contracts';
import { Link } from '@tanstack/react-router';
import { aboutJob } from './about-job.ts';
import { duration } from './duration.ts';
import { JobStateBadge } from './job-state.tsx';
import { When } from './when.tsx';
import './job-list.css';

export function JobList({ jobs }: { readonly jobs: readonly JobResource[] }) {
  return (
    <ul className="job-list card">
      {jobs.map((job) => (
        <li key={job.id}>
          <JobStateBadge state={job.state} />
          <Link to="/jobs/$job" params={{ job: job.id }} className="what">
            {aboutJob(job)}
          </Link>
          <span className="soft small">{job.branch === null ? '' : `on ${job.branch}`}</span>
          <span className="soft small when">
            <When at={job.created_at} />
            {job.started_at !== null && job.finished_at !== null && (
              <>, took {duration(Date.parse(job.finished_at) - Date.parse(job.started_at))}</>
            )}
          </span>
          {job.error !== null && <p className="small error">{job.error.message}</p>}
        </li>
      ))}
    </ul>
  );
}
