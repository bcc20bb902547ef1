// Asking the hub: which commit a revision is, what files it has, and the words for whatever it answers instead.

import { listFiles, modelInfo } from '@huggingface/hub';
import { z } from 'zod';
import { ModelError, type ModelErrorCode } from '../../errors.ts';
import { type HubName, writtenHubName } from '../reference.ts';
import type { HubSettings } from './settings.ts';

/** A file at the top of a repository. */
export interface HubFile {
  readonly name: string;
  readonly size: number;
  /** sha256 (hex) of its content; undefined of small files, which git keeps itself. */
  readonly sha256: string | undefined;
  /** What git calls it: the sha1 of its content behind a header, or that of the pointer that stands for a large file. */
  readonly oid: string;
}

/** What asks the hub about one model. */
export interface HubClient {
  /** The commit that the revision is now, and its files. @throws ModelError hub_* */
  readonly list: () => Promise<{ readonly commit: string; readonly files: readonly HubFile[] }>;
  /** Requests part of a file of a commit. @throws ModelError hub_* for whatever is no success */
  readonly request: (commit: string, file: string, from: number) => Promise<Response>;
}

const sentences = {
  hub_gated: [
    'its authors ask that their licence be accepted first',
    'Accept the licence on its page, and set HF_TOKEN to a token of that account',
  ],
  hub_not_found: [
    'there is no such model here or on the hub, or it is private',
    'Check the name; for a private model set HF_TOKEN',
  ],
  hub_revision_unknown: ['it has no such branch, tag or commit', 'Check what stands behind the @'],
  hub_unreachable: [
    'the hub cannot be reached',
    'Try again; with HF_HUB_OFFLINE=1 what has been downloaded is used as it is',
  ],
} as const satisfies Partial<Record<ModelErrorCode, readonly [string, string]>>;

/** What a refusal means. The hub says it in a header; others who speak its language say it by the status alone. */
function codeOf(response: Response): keyof typeof sentences {
  const said = response.headers.get('X-Error-Code');
  if (said === 'GatedRepo' || response.status === 403) return 'hub_gated';
  if (said === 'RevisionNotFound') return 'hub_revision_unknown';
  return [401, 404].includes(response.status) ? 'hub_not_found' : 'hub_unreachable';
}

export function hubClient(name: HubName, { endpoint, token }: HubSettings, signal: AbortSignal | undefined): HubClient {
  const where = writtenHubName(name);
  const fail = (code: keyof typeof sentences, detail: string, cause?: unknown): never => {
    const [what, hint] = sentences[code];
    throw new ModelError(code, { where, what: `${what} (${detail})`, hint, cause });
  };
  if (!URL.canParse(endpoint))
    fail('hub_unreachable', `HF_ENDPOINT is ${JSON.stringify(endpoint)}, which is no address`);
  const { origin } = new URL(endpoint);
  /** The token goes to the hub itself, and to nobody that it sends elsewhere. */
  const asking: typeof fetch = async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init.headers);
    headers.set('user-agent', 'errata');
    if (token !== undefined && url.origin === origin) headers.set('authorization', `Bearer ${token}`);
    let response: Response;
    try {
      response = await fetch(url, { ...init, headers, ...(signal && { signal }) });
    } catch (cause) {
      signal?.throwIfAborted();
      const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
      return fail('hub_unreachable', `${url.host}: ${reason}`, cause);
    }
    if (response.ok) return response;
    await response.body?.cancel();
    return fail(codeOf(response), `${url.host} answers ${response.status}`);
  };
  const list = async () => {
    const { sha } = await modelInfo({
      name: name.repository,
      revision: name.revision,
      additionalFields: ['sha'],
      hubUrl: endpoint,
      fetch: asking,
    });
    const commit = answerSchemas.commit.parse(sha);
    const files: HubFile[] = [];
    for await (const entry of listFiles({ repo: name.repository, revision: commit, hubUrl: endpoint, fetch: asking })) {
      if (entry.type !== 'file') continue;
      const { path, size, oid, lfs } = answerSchemas.file.parse(entry);
      // What lies deeper is no part of the model, and nothing is ever written to a place that a hub makes up.
      if (!/^[^/\\]+$/.test(path) || path === '..') continue;
      files.push({ name: path, size: lfs?.size ?? size, sha256: lfs?.oid, oid });
    }
    return { commit, files };
  };
  return {
    async list() {
      try {
        return await list();
      } catch (cause) {
        signal?.throwIfAborted();
        if (cause instanceof ModelError) throw cause;
        return fail('hub_unreachable', 'what it answers is not understood', cause);
      }
    },
    request: (commit, file, from) =>
      asking(`${endpoint}/${name.repository}/resolve/${commit}/${encodeURIComponent(file)}`, {
        headers: from === 0 ? {} : { range: `bytes=${from}-` },
      }),
  };
}

const gitId = z.string().regex(/^[0-9a-f]{40}$/);
const bytes = z.number().int().nonnegative();

/** What is taken from answers: digests become names of files, and are nothing else. */
const answerSchemas = {
  commit: gitId,
  file: z.looseObject({
    path: z.string(),
    size: bytes,
    oid: gitId,
    lfs: z.looseObject({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: bytes }).optional(),
  }),
};
