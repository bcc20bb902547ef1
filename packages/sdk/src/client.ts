// The client: one object with a member per resource of the API.
import type {
  AliasMoveResource,
  AliasRequest,
  AliasResource,
  ArtefactResource,
  artefactRequestSchema,
  BisectionRequest,
  BisectionResource,
  BlameRequest,
  BlameResource,
  BranchResource,
  branchRequestSchema,
  CaseResult,
  CheckRequest,
  CherryPickRequest,
  CollectionRequest,
  ComparisonRequest,
  ComparisonResource,
  chatCompletionRequestSchema,
  chatCompletionSchema,
  completionRequestSchema,
  completionSchema,
  EditDetail,
  EditInput,
  EditJobRequest,
  EditPlan,
  EditRecord,
  EditResult,
  EvaluationRequest,
  EvaluationResource,
  InboxEdit,
  InboxReceipt,
  InboxState,
  importRequestSchema,
  JobEvent,
  JobKind,
  JobResource,
  JobState,
  ListedModel,
  Manifest,
  MoveResource,
  PolicyRequest,
  PolicyRevision,
  ReferenceResource,
  RollbackRequest,
  ScheduleChange,
  ScheduleRequest,
  ScheduleResource,
  ScheduleRun,
  StoredSuiteCase,
  SuiteRequest,
  SuiteResource,
  TagRequest,
  TagResource,
  VersionDiff,
  VersionResource,
  WeightsDiff,
} from '@errata/contracts';
import { isTerminal } from '@errata/contracts';
import type { z } from 'zod';
import { type EventsOptions, followEvents } from './events.ts';
import { type Paged, type PageQuery, paged } from './pages.ts';
import { at, type CallOptions, createTransport, type ErrataOptions } from './transport.ts';

export type ImportRequest = z.input<typeof importRequestSchema>;
export type BranchRequest = z.input<typeof branchRequestSchema>;
export type ArtefactRequest = z.input<typeof artefactRequestSchema>;
export type CompletionRequest = z.input<typeof completionRequestSchema>;
export type Completion = z.output<typeof completionSchema>;
export type ChatCompletionRequest = z.input<typeof chatCompletionRequestSchema>;
export type ChatCompletion = z.output<typeof chatCompletionSchema>;

export interface JobQuery extends PageQuery {
  readonly kind?: JobKind | undefined;
  readonly state?: JobState | undefined;
  /** Model name or id. */
  readonly model?: string | undefined;
  readonly branch?: string | undefined;
  /** Shards of this job; they are in no other list. */
  readonly parent?: string | undefined;
}

export interface EvaluationQuery extends PageQuery {
  readonly state?: JobState | undefined;
  /** Model name or id. */
  readonly model?: string | undefined;
  readonly branch?: string | undefined;
  /** A whole version id. */
  readonly version?: string | undefined;
}

export interface RowQuery extends PageQuery {
  readonly outcome?: CaseResult['outcome'] | undefined;
  /** Only cases whose answer differs between the two versions, or only those whose does not. */
  readonly changed?: boolean | undefined;
}

/** An edit as an inbox takes it: without a `custom_id` it is given one. */
export type InboxInput = Omit<EditInput, 'custom_id'> & { readonly custom_id?: string };

export interface InboxQuery extends PageQuery {
  readonly state?: InboxState | readonly InboxState[] | undefined;
}

export interface ScheduleQuery extends PageQuery {
  /** Model name or id. */
  readonly model?: string | undefined;
  readonly branch?: string | undefined;
}

/** What a trigger came to: a run, or a tick that waits for the job of an earlier one. */
export interface Triggered {
  readonly object: 'schedule_trigger';
  readonly outcome: 'ran' | 'buffered';
  readonly run: ScheduleRun | null;
}

/** A line of a job's results. */
export interface JobResult {
  readonly position: number;
  readonly custom_id: string;
  readonly edit_id: string;
  /** Null while there is none. */
  readonly result: EditResult | null;
}

export interface WaitOptions extends CallOptions {
  /** Called for each event as it arrives, those of the past first. */
  readonly onEvent?: (event: JobEvent) => void;
  /** States to return at although the job has not ended: `awaiting_approval`, say, in which it may stay for days. */
  readonly stopAt?: readonly JobState[] | undefined;
}

/**
 * A client of one Errata service. Each POST carries an idempotency key of its own, so a request whose answer was lost is
 * sent again without being done again. Every method throws {@link ErrataApiError} when the server refuses, and
 * ErrataError `unavailable` or `timeout` when it cannot be reached after the retries.
 */
export function createErrata(options: ErrataOptions) {
  const transport = createTransport(options);
  const { json } = transport;
  const post = <T>(path: string, body: unknown, call: CallOptions = {}) => json<T>('POST', path, { ...call, body });
  const get = <T>(path: string, call: CallOptions = {}) => json<T>('GET', path, call);
  const list = <T>(path: string, query: PageQuery & Record<string, string | number | undefined> = {}): Paged<T> =>
    paged<T>(transport, path, query);

  const jobs = {
    list: (query: JobQuery = {}) => list<JobResource>('/v1/jobs', { ...query }),
    get: (id: string, call?: CallOptions) => get<JobResource>(at`/v1/jobs/${id}`, call),
    /** The edits of a job in input order, with their results once there are some. */
    edits: (id: string, query: PageQuery = {}) => list<EditRecord>(at`/v1/jobs/${id}/edits`, { ...query }),
    /** One for each edit, in input order. */
    async results(id: string, call: CallOptions = {}): Promise<JobResult[]> {
      const response = await transport.send('GET', at`/v1/jobs/${id}/results`, {
        ...call,
        accept: 'application/x-ndjson',
      });
      const lines = (await response.text()).split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as JobResult);
    },
    /** Events from the beginning (or after an id) until the job has ended; resumes by itself. */
    events: (id: string, follow?: EventsOptions) => followEvents(transport, id, follow),
    cancel: (id: string, call?: CallOptions) => post<JobResource>(at`/v1/jobs/${id}/cancel`, {}, call),
    retry: (id: string, call?: CallOptions) => post<JobResource>(at`/v1/jobs/${id}/retry`, {}, call),
    /** Lets the candidate of a job that waits for an approval through; not with the key that submitted it. */
    approve: (id: string, reason: string, call?: CallOptions) =>
      post<JobResource>(at`/v1/jobs/${id}/approve`, { reason }, call),
    reject: (id: string, reason: string, call?: CallOptions) =>
      post<JobResource>(at`/v1/jobs/${id}/reject`, { reason }, call),
    /** Follows a job to its end and returns it. How it ended is for the caller to read. */
    async wait(id: string, { onEvent, signal, stopAt = [] }: WaitOptions = {}): Promise<JobResource> {
      let after = 0;
      for (;;) {
        for await (const event of followEvents(transport, id, { after, signal })) {
          after = event.id;
          onEvent?.(event);
          if (!stopAt.includes(event.state)) continue;
          // The event may be an old one, which the job has left behind.
          const stopped = await get<JobResource>(at`/v1/jobs/${id}`, { signal });
          if (stopAt.includes(stopped.state)) return stopped;
        }
        const job = await get<JobResource>(at`/v1/jobs/${id}`, { signal });
        // Someone may have sent an ended job back to the queue since.
        if (isTerminal(job.state)) return job;
      }
    },
  };

  return {
    models: {
      list: (query: PageQuery = {}) => list<ListedModel>('/v1/models', { ...query }),
      get: (model: string, call?: CallOptions) => get<ListedModel>(at`/v1/models/${model}`, call),
      /** Queues the import of a checkpoint directory on the worker's machine. */
      import: (request: ImportRequest, call?: CallOptions) => post<JobResource>('/v1/models', request, call),
    },
    branches: {
      list: (model: string, query: PageQuery & { readonly deleted?: boolean } = {}) =>
        list<BranchResource>(at`/v1/models/${model}/branches`, {
          ...query,
          deleted: query.deleted === undefined ? undefined : String(query.deleted),
        }),
      get: (model: string, branch: string, call?: CallOptions) =>
        get<BranchResource>(at`/v1/models/${model}/branches/${branch}`, call),
      create: (model: string, request: BranchRequest, call?: CallOptions) =>
        post<BranchResource>(at`/v1/models/${model}/branches`, request, call),
      /** The branch disappears from lists and can no longer be edited; its history and versions stay. */
      async delete(model: string, branch: string, call: CallOptions = {}): Promise<void> {
        await transport.send('DELETE', at`/v1/models/${model}/branches/${branch}`, call);
      },
      /** Brings a deleted branch back as it was; by id where several of its name were deleted. */
      restore: (model: string, branch: string, call?: CallOptions) =>
        post<BranchResource>(at`/v1/models/${model}/branches/${branch}/restore`, undefined, call),
      /** What may move the branch: its gate, approvals, automatic rollback, protection. */
      policy: (model: string, branch: string, call?: CallOptions) =>
        get<PolicyRevision>(at`/v1/models/${model}/branches/${branch}/policy`, call),
      /** Replaces the whole policy; with `if_revision`, only when nobody has changed it meanwhile. */
      setPolicy: (model: string, branch: string, request: PolicyRequest, call: CallOptions = {}) =>
        json<PolicyRevision>('PUT', at`/v1/models/${model}/branches/${branch}/policy`, { ...call, body: request }),
      /** Every policy the branch has had, the latest first. */
      policies: (model: string, branch: string, query: PageQuery = {}) =>
        list<PolicyRevision>(at`/v1/models/${model}/branches/${branch}/policy/history`, { ...query }),
      /** The branch's moves, newest first. */
      log: (model: string, branch: string, query: PageQuery = {}) =>
        list<MoveResource>(at`/v1/models/${model}/branches/${branch}/log`, { ...query }),
    },
    /** What a name of a model, or the beginning of a version's id, stands for now. */
    resolve: (model: string, reference: string, call?: CallOptions) =>
      get<ReferenceResource>(at`/v1/models/${model}/references/${reference}`, call),
    tags: {
      list: (model: string, query: PageQuery = {}) => list<TagResource>(at`/v1/models/${model}/tags`, { ...query }),
      get: (model: string, tag: string, call?: CallOptions) =>
        get<TagResource>(at`/v1/models/${model}/tags/${tag}`, call),
      /** Names a version for good. */
      create: (model: string, request: TagRequest, call?: CallOptions) =>
        post<TagResource>(at`/v1/models/${model}/tags`, request, call),
      async delete(model: string, tag: string, call: CallOptions = {}): Promise<void> {
        await transport.send('DELETE', at`/v1/models/${model}/tags/${tag}`, call);
      },
    },
    aliases: {
      list: (model: string, query: PageQuery = {}) =>
        list<AliasResource>(at`/v1/models/${model}/aliases`, { ...query }),
      get: (model: string, alias: string, call?: CallOptions) =>
        get<AliasResource>(at`/v1/models/${model}/aliases/${alias}`, call),
      /** Puts an alias on a version; with `if_version_id`, only when nobody has moved it meanwhile. */
      set: (model: string, alias: string, request: AliasRequest, call: CallOptions = {}) =>
        json<AliasResource>('PUT', at`/v1/models/${model}/aliases/${alias}`, { ...call, body: request }),
      /** Takes an alias out of service. Its history stays. */
      async delete(model: string, alias: string, call: CallOptions = {}): Promise<void> {
        await transport.send('DELETE', at`/v1/models/${model}/aliases/${alias}`, call);
      },
      /** Every move, newest first. */
      history: (model: string, alias: string, query: PageQuery = {}) =>
        list<AliasMoveResource>(at`/v1/models/${model}/aliases/${alias}/history`, { ...query }),
    },
    versions: {
      list: (model: string, query: PageQuery = {}) =>
        list<VersionResource>(at`/v1/models/${model}/versions`, { ...query }),
      get: (version: string, call?: CallOptions) => get<VersionResource>(at`/v1/versions/${version}`, call),
      /** The model and all deltas of a version, in order. */
      manifest: (version: string, call?: CallOptions) => get<Manifest>(at`/v1/versions/${version}/manifest`, call),
      /** The version and those it was made from, newest first, down to the imported model. */
      lineage: (version: string, query: PageQuery = {}) =>
        list<VersionResource>(at`/v1/versions/${version}/lineage`, { ...query }),
      /** The version as a checkpoint in Hugging Face layout: a tar archive, as it comes. */
      async export(version: string, call: CallOptions = {}): Promise<ReadableStream<Uint8Array>> {
        const path = at`/v1/versions/${version}/export`;
        return (await transport.send('GET', path, { ...call, accept: 'application/x-tar', streaming: true })).body!;
      },
      diff: (from: string, to: string, call?: CallOptions) =>
        get<VersionDiff>(at`/v1/versions/${from}/diff/${to}`, call),
      /** Norm and rank of what changed, by parameter. The service opens both versions for it. */
      diffWeights: (from: string, to: string, call?: CallOptions) =>
        get<WeightsDiff>(at`/v1/versions/${from}/diff/${to}/weights`, call),
    },
    editJobs: {
      create: (request: Omit<EditJobRequest, 'dry_run' | 'level'>, call?: CallOptions) =>
        post<JobResource>('/v1/edit_jobs', request, call),
      /** Edits, evaluates and judges in a job, and commits nothing. */
      try: (request: Omit<EditJobRequest, 'dry_run' | 'level'>, call?: CallOptions) =>
        post<JobResource>('/v1/edit_jobs', { ...request, dry_run: true, level: 'compute' }, call),
      /** Checks everything, queues nothing. */
      plan: (request: Omit<EditJobRequest, 'dry_run' | 'level'>, call?: CallOptions) =>
        post<EditPlan>('/v1/edit_jobs', { ...request, dry_run: true }, call),
    },
    inbox: {
      /** Leaves edits in the inbox of a branch (by its id): one, several, or the text of a JSONL file. */
      add: (
        branchId: string,
        edits: InboxInput | readonly InboxInput[] | string,
        { priority, ...call }: CallOptions & { readonly priority?: number | undefined } = {},
      ) =>
        json<InboxReceipt>('POST', at`/v1/branches/${branchId}/inbox`, {
          ...call,
          query: { priority },
          body: edits,
          ...(typeof edits === 'string' ? { contentType: 'application/x-ndjson' } : {}),
        }),
      /** Newest first. */
      list: (branchId: string, { state, ...page }: InboxQuery = {}) =>
        list<InboxEdit>(at`/v1/branches/${branchId}/inbox`, {
          ...page,
          state: typeof state === 'string' || state === undefined ? state : state.join(','),
        }),
      get: (branchId: string, id: string, call?: CallOptions) =>
        get<InboxEdit>(at`/v1/branches/${branchId}/inbox/${id}`, call),
      /** Takes an edit that waits out again. */
      withdraw: (branchId: string, id: string, call: CallOptions = {}) =>
        json<InboxEdit>('DELETE', at`/v1/branches/${branchId}/inbox/${id}`, call),
      /** Decides a contradiction in favour of this edit. */
      keep: (branchId: string, id: string, call?: CallOptions) =>
        post<InboxEdit>(at`/v1/branches/${branchId}/inbox/${id}/keep`, undefined, call),
    },
    schedules: {
      create: (request: ScheduleRequest, call?: CallOptions) => post<ScheduleResource>('/v1/schedules', request, call),
      list: (query: ScheduleQuery = {}) => list<ScheduleResource>('/v1/schedules', { ...query }),
      /** By name or id, as in all that follow. */
      get: (schedule: string, call?: CallOptions) => get<ScheduleResource>(at`/v1/schedules/${schedule}`, call),
      /** Only what is given changes. */
      change: (schedule: string, change: ScheduleChange, call: CallOptions = {}) =>
        json<ScheduleResource>('PATCH', at`/v1/schedules/${schedule}`, { ...call, body: change }),
      async delete(schedule: string, call: CallOptions = {}): Promise<void> {
        await transport.send('DELETE', at`/v1/schedules/${schedule}`, call);
      },
      pause: (schedule: string, call?: CallOptions) =>
        post<ScheduleResource>(at`/v1/schedules/${schedule}/pause`, undefined, call),
      resume: (schedule: string, call?: CallOptions) =>
        post<ScheduleResource>(at`/v1/schedules/${schedule}/resume`, undefined, call),
      /** Runs it now; the run is decided before the answer. */
      trigger: (schedule: string, call?: CallOptions) =>
        post<Triggered>(at`/v1/schedules/${schedule}/trigger`, undefined, call),
      /** Newest first. */
      runs: (schedule: string, query: PageQuery = {}) =>
        list<ScheduleRun>(at`/v1/schedules/${schedule}/runs`, { ...query }),
    },
    jobs,
    cherryPicks: {
      /** Makes an edit job's request again on another head. */
      create: (request: CherryPickRequest, call?: CallOptions) => post<JobResource>('/v1/cherry_picks', request, call),
    },
    edits: {
      /** An edit with its result, and the branches on whose heads it acts. */
      get: (edit: string, call?: CallOptions) => get<EditDetail>(at`/v1/edits/${edit}`, call),
    },
    rollbacks: {
      create: (request: RollbackRequest, call?: CallOptions) => post<JobResource>('/v1/rollbacks', request, call),
      list: (query: Omit<JobQuery, 'kind'> = {}) => list<JobResource>('/v1/rollbacks', { ...query }),
    },
    evaluations: {
      /** Queues an evaluation; follow it as the job that it is, by `jobs.wait`. */
      create: (request: EvaluationRequest, call?: CallOptions) => post<JobResource>('/v1/evaluations', request, call),
      list: (query: EvaluationQuery = {}) => list<EvaluationResource>('/v1/evaluations', { ...query }),
      get: (id: string, call?: CallOptions) => get<EvaluationResource>(at`/v1/evaluations/${id}`, call),
      /** What each case found, in order, as far as it has come. */
      rows: (id: string, { changed, ...query }: RowQuery = {}) =>
        list<CaseResult>(at`/v1/evaluations/${id}/rows`, {
          ...query,
          ...(changed === undefined ? {} : { changed: String(changed) }),
        }),
      /** All rows as CSV. */
      async csv(id: string, call: CallOptions = {}): Promise<string> {
        const response = await transport.send('GET', at`/v1/evaluations/${id}/rows`, { ...call, accept: 'text/csv' });
        return response.text();
      },
      /** The report as one page of HTML, once the evaluation is done. */
      async report(id: string, call: CallOptions = {}): Promise<string> {
        const path = at`/v1/evaluations/${id}/report`;
        return (await transport.send('GET', path, { ...call, accept: 'text/html' })).text();
      },
    },
    suites: {
      /** Stores cases under a name; they never change. */
      create: (request: SuiteRequest, call?: CallOptions) => post<SuiteResource>('/v1/suites', request, call),
      list: (query: PageQuery = {}) => list<SuiteResource>('/v1/suites', { ...query }),
      get: (suite: string, call?: CallOptions) => get<SuiteResource>(at`/v1/suites/${suite}`, call),
      cases: (suite: string, query: PageQuery = {}) =>
        list<StoredSuiteCase>(at`/v1/suites/${suite}/cases`, { ...query }),
    },
    /** Two evaluations held against each other, as a job. */
    comparisons: {
      create: (request: ComparisonRequest, call?: CallOptions) => post<JobResource>('/v1/comparisons', request, call),
      list: (query: Omit<JobQuery, 'kind' | 'parent' | 'branch'> = {}) =>
        list<ComparisonResource>('/v1/comparisons', { ...query }),
      get: (id: string, call?: CallOptions) => get<ComparisonResource>(at`/v1/comparisons/${id}`, call),
    },
    /** Which move of a branch broke an answer. Queued as a job: follow it by `jobs.wait`, then read what it found. */
    bisections: {
      create: (request: BisectionRequest, call?: CallOptions) => post<JobResource>('/v1/bisections', request, call),
      list: (query: Omit<JobQuery, 'kind' | 'parent'> = {}) => list<BisectionResource>('/v1/bisections', { ...query }),
      get: (id: string, call?: CallOptions) => get<BisectionResource>(at`/v1/bisections/${id}`, call),
    },
    /** Which edit made an answer, as a job in the same way. */
    blame: {
      create: (request: BlameRequest, call?: CallOptions) => post<JobResource>('/v1/blame', request, call),
      list: (query: Omit<JobQuery, 'kind' | 'parent'> = {}) => list<BlameResource>('/v1/blame', { ...query }),
      get: (id: string, call?: CallOptions) => get<BlameResource>(at`/v1/blame/${id}`, call),
    },
    artefacts: {
      create: (request: ArtefactRequest, call?: CallOptions) => post<JobResource>('/v1/artefacts', request, call),
      list: (query: PageQuery & { readonly model: string }) => list<ArtefactResource>('/v1/artefacts', { ...query }),
      get: (id: string, call?: CallOptions) => get<ArtefactResource>(at`/v1/artefacts/${id}`, call),
    },
    checks: {
      /** Queues a check of everything that is stored; the job's result is a CheckReport. */
      create: (request: CheckRequest = {}, call?: CallOptions) => post<JobResource>('/v1/checks', request, call),
    },
    collections: {
      /** Queues a collection of unnamed blobs, by default a dry run; the job's result is a CollectionReport. */
      create: (request: CollectionRequest = {}, call?: CallOptions) =>
        post<JobResource>('/v1/collections', request, call),
    },
    completions: {
      create: (request: CompletionRequest, call?: CallOptions) => post<Completion>('/v1/completions', request, call),
    },
    chat: {
      completions: {
        create: (request: ChatCompletionRequest, call?: CallOptions) =>
          post<ChatCompletion>('/v1/chat/completions', request, call),
      },
    },
    /** Whether the service answers and can reach what it needs. */
    async ready(call: CallOptions = {}): Promise<boolean> {
      try {
        await transport.send('GET', '/readyz', { ...call, maxRetries: 0 });
        return true;
      } catch {
        call.signal?.throwIfAborted();
        return false;
      }
    },
  };
}

export type ErrataClient = ReturnType<typeof createErrata>;
