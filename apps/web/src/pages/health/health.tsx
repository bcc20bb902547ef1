// How the service is: what it needs and how soon that answers, its last backup and check, what waits and what failed.
import { type HealthResource, isTerminal, type JobKind } from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { errata } from '../../api/client.ts';
import { bytes } from '../../parts/bytes.ts';
import { duration } from '../../parts/duration.ts';
import { JobStateBadge } from '../../parts/job-state.tsx';
import { Problem } from '../../parts/problem.tsx';
import { ScrollX } from '../../parts/scroll-x.tsx';
import { UpkeepTabs } from '../../parts/upkeep-tabs.tsx';
import { useNow, When } from '../../parts/when.tsx';
import './health.css';

const everyMs = 15_000;

export function Health() {
  const { data: health, error } = useQuery({
    queryKey: ['health'],
    queryFn: () => errata.health(),
    refetchInterval: everyMs,
  });
  return (
    <div className="stack">
      <h1>Health</h1>
      <UpkeepTabs />
      <Problem error={error} />
      {health === undefined && error === null && <p className="soft">Loading…</p>}
      {health !== undefined && (
        <>
          <Needs health={health} />
          <Upkeep health={health} />
          <Work health={health} />
          <Build health={health} />
        </>
      )}
    </div>
  );
}

const backends = { redis: 'Redis', postgres: 'PostgreSQL' } as const;
const stores = { directory: 'a directory', bucket: 'a bucket' } as const;

function Needs({ health: { needs, vitals } }: { readonly health: HealthResource }) {
  const { database, queue, blobs } = needs;
  const { server, bytes: size, migrations, workers } = vitals;
  const behind = migrations.of_this_build - migrations.applied;
  return (
    <ul className="needs" aria-label="What the service needs">
      <Need name="Database" well={database.ms !== null && behind === 0} state={answer(database.ms)}>
        {server.split(' ').slice(0, 2).join(' ')}, {bytes(size)};{' '}
        {behind === 0
          ? `all ${migrations.applied} migrations of this build`
          : `${migrations.applied} migrations of ${migrations.of_this_build}`}
      </Need>
      <Need name="Queue" well={queue.ms !== null} state={answer(queue.ms)}>
        on {backends[queue.backend]}
      </Need>
      <Need name="Blobs" well={blobs.ms !== null} state={answer(blobs.ms)}>
        in {stores[blobs.kind]}; <Link to="/storage">how much is stored</Link>
      </Need>
      <Need name="Workers" well={workers > 0} state={workers === 0 ? 'none' : `${workers} alive`}>
        <Link to="/queue">what each is at</Link>
      </Need>
    </ul>
  );
}

const answer = (ms: number | null): string => (ms === null ? 'away' : `answers in ${duration(Math.max(1, ms))}`);

interface NeedProps {
  readonly name: string;
  readonly well: boolean;
  readonly state: string;
  readonly children: ReactNode;
}

function Need({ name, well, state, children }: NeedProps) {
  return (
    <li className="card stack tight">
      <div className="row spread">
        <h2>{name}</h2>
        <span className={`badge ${well ? 'good' : 'bad'}`}>{state}</span>
      </div>
      <p className="small soft">{children}</p>
    </li>
  );
}

/** A backup that is older than this is spoken of. */
const oldMs = 7 * 86_400_000;

function Upkeep({ health: { backup, check, collection } }: { readonly health: HealthResource }) {
  const now = useNow(60_000);
  const old = backup !== null && now - Date.parse(backup.made_at) > oldMs;
  return (
    <section className="stack tight">
      <h2>Upkeep</h2>
      {(backup === null || old) && (
        <p className="note warn">
          {backup === null
            ? 'No backup of this database is known. On a machine that reaches it: npx errata backup, and a directory or an s3:// URL.'
            : 'The last backup is more than a week old.'}
        </p>
      )}
      <div className="card">
        <dl className="facts">
          <dt>Last backup</dt>
          <dd>
            {backup === null ? (
              'none is known'
            ) : (
              <>
                <When at={backup.made_at} />, {bytes(backup.bytes)} in {backup.place}{' '}
                <code className="mono small soft">{backup.digest.slice(0, 12)}</code>
              </>
            )}
          </dd>
          <dt>Last check of everything</dt>
          <dd>
            <Job of={check}>
              none; <Link to="/storage">start one</Link>
            </Job>
          </dd>
          <dt>Last collection</dt>
          <dd>
            <Job of={collection}>none</Job>
          </dd>
        </dl>
      </div>
    </section>
  );
}

function Job({ of, children }: { readonly of: HealthResource['check']; readonly children: ReactNode }) {
  if (of === null) return children;
  return (
    <>
      <JobStateBadge state={of.state} /> <When at={of.at} />,{' '}
      <Link to="/jobs/$job" params={{ job: of.job_id }}>
        its report
      </Link>
    </>
  );
}

const numbers = new Intl.NumberFormat();

function Work({ health: { vitals } }: { readonly health: HealthResource }) {
  const { jobs, oldest_queued_seconds, failures } = vitals;
  const kinds = [...new Set(jobs.map(({ kind }) => kind))];
  const of = (kind: JobKind) => jobs.filter((each) => each.kind === kind);
  const open = jobs.filter(({ state }) => !isTerminal(state)).reduce((sum, { count }) => sum + count, 0);
  return (
    <section className="stack tight">
      <h2>Work</h2>
      <p>
        {open === 0
          ? 'Nothing waits, and nothing runs.'
          : `${numbers.format(open)} ${open === 1 ? 'job has' : 'jobs have'} not ended.`}
        {oldest_queued_seconds !== null && ` The oldest has been queued for ${duration(oldest_queued_seconds * 1000)}.`}
      </p>
      {kinds.length > 0 && (
        <ScrollX label="Jobs, by kind and state">
          <table>
            <thead>
              <tr>
                <th scope="col">Kind</th>
                <th scope="col">Jobs so far</th>
              </tr>
            </thead>
            <tbody>
              {kinds.map((kind) => (
                <tr key={kind}>
                  <th scope="row">{kind.replaceAll('_', ' ')}</th>
                  <td>
                    <span className="row">
                      {of(kind).map(({ state, count }) => (
                        <span key={state} className="unbroken">
                          {numbers.format(count)} <JobStateBadge state={state} />
                        </span>
                      ))}
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollX>
      )}
      {failures.length > 0 && (
        <details className="card">
          <summary>The last {numbers.format(failures.length)} that failed</summary>
          <ul className="plain stack tight">
            {failures.map(({ job, kind, code, attempts, at }) => (
              <li key={job}>
                <Link to="/jobs/$job" params={{ job }}>
                  {kind.replaceAll('_', ' ')}
                </Link>
                {code !== null && (
                  <>
                    {' '}
                    <code>{code}</code>
                  </>
                )}
                <span className="small soft">
                  {attempts > 1 && ` after ${attempts} attempts`}
                  {at !== null && (
                    <>
                      {' '}
                      <When at={at} />
                    </>
                  )}
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function Build({ health: { build, started_at, machine } }: { readonly health: HealthResource }) {
  const { node, platform, processors, memory_bytes, free_bytes } = machine;
  return (
    <section className="stack tight">
      <h2>The API that answered</h2>
      <div className="card">
        <dl className="facts">
          <dt>Errata</dt>
          <dd>{build}</dd>
          <dt>Started</dt>
          <dd>
            <When at={started_at} />
          </dd>
          <dt>Machine</dt>
          <dd>
            Node.js {node} on {platform}, {processors} {processors === 1 ? 'processor' : 'processors'}
          </dd>
          <dt>Memory</dt>
          <dd>
            {bytes(free_bytes)} free of {bytes(memory_bytes)}
          </dd>
        </dl>
      </div>
    </section>
  );
}
