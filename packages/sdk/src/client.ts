// The client: one object with a member per resource of the API.
import { createCaller } from './caller.ts';
import { aliases } from './resources/aliases.ts';
import { artefacts } from './resources/artefacts.ts';
import { audit } from './resources/audit.ts';
import { branches } from './resources/branches.ts';
import { cherryPicks } from './resources/cherry-picks.ts';
import { comparisons } from './resources/comparisons.ts';
import { chat, completions } from './resources/completions.ts';
import { datasets } from './resources/datasets.ts';
import { editJobs } from './resources/edit-jobs.ts';
import { edits } from './resources/edits.ts';
import { embeddings } from './resources/embeddings.ts';
import { evaluations } from './resources/evaluations.ts';
import { health, ready } from './resources/health.ts';
import { inbox } from './resources/inbox.ts';
import { jobs } from './resources/jobs.ts';
import { keys } from './resources/keys.ts';
import { members } from './resources/members.ts';
import { models } from './resources/models.ts';
import { projects } from './resources/projects.ts';
import { queue } from './resources/queue.ts';
import { resolve } from './resources/references.ts';
import { rollbacks } from './resources/rollbacks.ts';
import { schedules } from './resources/schedules.ts';
import { bisections, blame } from './resources/searches.ts';
import { session } from './resources/session.ts';
import { storage } from './resources/storage.ts';
import { suites } from './resources/suites.ts';
import { tags } from './resources/tags.ts';
import { checks, collections } from './resources/upkeep.ts';
import { versions } from './resources/versions.ts';
import { webhooks } from './resources/webhooks.ts';
import { createTransport, type ErrataOptions } from './transport.ts';

/**
 * A client of one Errata service. Each POST carries an idempotency key of its own, so a request whose answer was lost is
 * sent again without being done again. Every method throws {@link ErrataApiError} when the server refuses, and
 * ErrataError `unavailable` or `timeout` when it cannot be reached after the retries.
 */
export function createErrata(options: ErrataOptions) {
  const caller = createCaller(createTransport(options));
  return {
    models: models(caller),
    branches: branches(caller),
    /** What a name of a model, or the beginning of a version's id, stands for now. */
    resolve: resolve(caller),
    tags: tags(caller),
    aliases: aliases(caller),
    versions: versions(caller),
    editJobs: editJobs(caller),
    datasets: datasets(caller),
    inbox: inbox(caller),
    schedules: schedules(caller),
    jobs: jobs(caller),
    /** What waits, who works at what, and why work ended badly. */
    queue: queue(caller),
    cherryPicks: cherryPicks(caller),
    edits: edits(caller),
    rollbacks: rollbacks(caller),
    evaluations: evaluations(caller),
    suites: suites(caller),
    /** Two evaluations held against each other, as a job. */
    comparisons: comparisons(caller),
    /** Which move of a branch broke an answer. Queued as a job: follow it by `jobs.wait`, then read what it found. */
    bisections: bisections(caller),
    /** Which edit made an answer, as a job in the same way. */
    blame: blame(caller),
    artefacts: artefacts(caller),
    checks: checks(caller),
    collections: collections(caller),
    completions: completions(caller),
    chat: chat(caller),
    embeddings: embeddings(caller),
    webhooks: webhooks(caller),
    /** API keys: made, listed and revoked with the scope `admin`. */
    keys: keys(caller),
    /** Who shares models, and how much of the service they may use together. */
    projects: projects(caller),
    /** Who is in a project: keys and people, with their roles. With the scope `admin`. */
    members: members(caller),
    session: session(caller),
    /** Whether the service answers and can reach what it needs. */
    ready: ready(caller),
    health: health(caller),
    storage: storage(caller),
    /** Who did what, with the scope `audit:read`. */
    audit: audit(caller),
  };
}

export type ErrataClient = ReturnType<typeof createErrata>;
