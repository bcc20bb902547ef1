// The recorded history of a service: all that its database says happened, read at one moment, and what its blob store holds.
import type { BlobStore } from '@errata/blobs';
import type { JobKind, JobState } from '@errata/contracts';

/** The transaction that wrote a row as it is now. */
interface Written {
  readonly xid: string;
}

export interface JobFact extends Written {
  readonly id: string;
  readonly kind: JobKind;
  readonly state: JobState;
  readonly lane_id: string;
  readonly sequence: number;
  readonly branch_id: string | null;
  readonly input: Readonly<Record<string, unknown>>;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly parent_version_id: string | null;
  readonly version_id: string | null;
}

export interface EventFact extends Written {
  readonly id: number;
  readonly job_id: string;
  readonly type: string;
  readonly state: JobState;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface EditFact {
  readonly id: string;
  readonly job_id: string;
  readonly position: number;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly result: { readonly outcome?: string } | null;
}

export interface LinkFact extends Written {
  readonly id: string;
  readonly model_id: string;
  readonly previous_id: string | null;
  readonly depth: number;
  readonly job_id: string;
  readonly edit_ids: readonly string[];
  readonly deltas: readonly {
    readonly kind: 'low_rank' | 'dense' | 'codebook' | 'codebook_rows';
    readonly blob: string;
  }[];
  readonly version_id: string;
}

export interface MoveFact extends Written {
  readonly branch_id: string;
  readonly sequence: number;
  readonly model_id: string;
  readonly kind: string;
  readonly from_version_id: string | null;
  readonly to_version_id: string;
  readonly tip_id: string | null;
  readonly job_id: string | null;
}

/** Everything the promises are checked against. Plain data, so that a simulation can record one, too, and a test can falsify one. */
export interface History {
  readonly models: readonly {
    readonly id: string;
    readonly digest: string;
    readonly files: readonly { readonly blob: string }[];
  }[];
  readonly lanes: readonly { readonly id: string; readonly next_sequence: number }[];
  readonly jobs: readonly JobFact[];
  readonly events: readonly EventFact[];
  readonly edits: readonly EditFact[];
  readonly contributions: readonly LinkFact[];
  readonly versions: readonly {
    readonly id: string;
    readonly model_id: string;
    readonly tip_id: string | null;
    readonly job_id: string | null;
  }[];
  readonly branches: readonly {
    readonly id: string;
    readonly head_version_id: string;
    readonly tip_id: string | null;
  }[];
  readonly branch_moves: readonly MoveFact[];
  readonly snapshots: readonly { readonly version_id: string; readonly blob: string }[];
  readonly artefacts: readonly { readonly blob: string }[];
  readonly candidates: readonly {
    readonly job_id: string;
    readonly added: readonly { readonly deltas: readonly { readonly blob: string }[] }[];
  }[];
  /** What shards of an evaluation have done; a stream of edits goes on from its deltas. */
  readonly evaluation_blocks: readonly {
    readonly job_id: string;
    readonly position: number;
    readonly deltas: readonly { readonly blob: string }[];
  }[];
  readonly inbox_edits: readonly {
    readonly id: string;
    readonly branch_id: string;
    readonly custom_id: string;
    readonly state: string;
    readonly job_id: string | null;
  }[];
  readonly aliases: readonly { readonly id: string; readonly version_id: string; readonly sequence: number }[];
  readonly alias_moves: readonly {
    readonly alias_id: string;
    readonly sequence: number;
    readonly from_version_id: string | null;
    readonly to_version_id: string | null;
  }[];
  /** Blobs by name: whether the bytes are those that are named. */
  readonly blobs: ReadonlyMap<string, 'whole' | 'damaged'>;
}

const tables = [
  'models',
  'lanes',
  'jobs',
  'events',
  'edits',
  'contributions',
  'versions',
  'branches',
  'branch_moves',
  'snapshots',
  'artefacts',
  'candidates',
  'evaluation_blocks',
  'inbox_edits',
  'aliases',
  'alias_moves',
] as const;

/** What orders the rows of a table, where their order matters. */
const order: Partial<Record<(typeof tables)[number], string>> = {
  jobs: 'lane_id, sequence',
  events: 'id',
  edits: 'job_id, position',
  contributions: 'depth, id',
  branch_moves: 'branch_id, sequence',
  alias_moves: 'alias_id, sequence',
};

type Query = (sql: string, values?: unknown[]) => Promise<Record<string, unknown>[]>;

/** One statement sees one moment; the blobs are read after it. */
export async function readHistory(query: Query, blobs: BlobStore): Promise<History> {
  const rows = tables.map((table) => {
    const row = `to_jsonb(t) || jsonb_build_object('xid', t.xmin::text)`;
    return `(SELECT coalesce(jsonb_agg(${row} ORDER BY ${order[table] ?? '1'}), '[]') FROM ${table} t) AS ${table}`;
  });
  const [read] = await query(`SELECT ${rows.join(', ')}`);
  return { ...(read as unknown as Omit<History, 'blobs'>), blobs: await readBlobs(blobs) };
}

async function readBlobs(store: BlobStore): Promise<ReadonlyMap<string, 'whole' | 'damaged'>> {
  const found = new Map<string, 'whole' | 'damaged'>();
  for await (const { sha256 } of store.list()) {
    const whole = await store.get(sha256).then(
      () => true,
      () => false,
    );
    found.set(sha256, whole ? 'whole' : 'damaged');
  }
  return found;
}
