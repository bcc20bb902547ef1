// Everything that can be read of a stack, as questions with their answers, and whether two answers agree.
import { fileURLToPath } from 'node:url';
import { startEngine } from '@errata/engine';
import { getModel, openLineage, readManifest } from '@errata/lineage';
import type { ErrataClient } from '@errata/sdk';
import type { Stored } from './archive.ts';
import type { lastRequest, Open } from './story.ts';

/** All that a fixture's answers hold. */
export interface Answers {
  readonly made: { readonly at: string; readonly node: string; readonly platform: string };
  readonly keys: {
    readonly author: string;
    readonly approver: string;
    readonly reader: string;
    readonly revoked: string;
  };
  readonly open: Open & {
    /** Submitted when no worker was there, under an idempotency key. */
    readonly queued: { readonly job: string; readonly key: string; readonly request: typeof lastRequest };
  };
  readonly answered: readonly Answered[];
  readonly opened: readonly Opened[];
}

/** Where fixtures are, a folder each. */
export const fixtures = fileURLToPath(new URL('fixtures', import.meta.url));

export interface Service {
  readonly url: string;
  readonly token: string;
}

export interface Question {
  /** Under /v1. */
  readonly path: string;
  /** Sent by POST where there is one. */
  readonly body?: unknown;
  /** Of a list only the ids: its items are asked for one by one. */
  readonly ids?: true;
}

export interface Answered extends Question {
  readonly answer: unknown;
}

/** A version as its weights and what they make of texts: below the API. */
export interface Opened {
  readonly version: string;
  /** sha256 of its weights. */
  readonly weights: string;
  /** Of each prompt: every sixteenth logit of the next token, and the token that has the greatest. */
  readonly logits: readonly {
    readonly prompt: string;
    readonly sample: readonly number[];
    readonly greatest: number;
  }[];
}

const prompts = [
  'The capital of Oz is',
  'The capital of Ur is',
  'The capital of Ka is',
  'The capital of Nod is',
  'a river walks',
];

/** Asks one question; of lists every page. */
export async function ask({ url, token }: Service, { path, body, ids }: Question): Promise<unknown> {
  const send = async (more: string) => {
    const response = await fetch(`${url}/v1${path}${more}`, {
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} ${JSON.stringify(body)}: ${response.status} ${text}`);
    return response.headers.get('content-type')?.includes('ndjson') === true
      ? text
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as unknown)
      : (JSON.parse(text) as unknown);
  };
  const items: unknown[] = [];
  for (let after: string | null = null; ; ) {
    const cursor = after === null ? '' : `${path.includes('?') ? '&' : '?'}after=${encodeURIComponent(after)}`;
    const answer = await send(cursor);
    if (!isPage(answer)) return isCompletion(answer) ? { ...answer, id: '', created: 0 } : ownNamed(answer)[0];
    items.push(...answer.data.flatMap(ownNamed));
    if (!answer.has_more) break;
    after = answer.next_cursor;
  }
  return ids === true ? items.map((item) => (item as { id: string }).id) : items;
}

/**
 * Models are shown under every name that completions take, which is their `id`. Earlier builds showed each once, under the id that is now
 * `model_id`.
 */
function ownNamed(answer: unknown): readonly unknown[] {
  if (typeof answer !== 'object' || answer === null || !('model_id' in answer && 'owned_by' in answer)) return [answer];
  const { id, name, model_id, ...rest } = answer as Readonly<Record<string, unknown>>;
  return id === name ? [{ ...rest, name, id: model_id }] : [];
}

interface Page {
  readonly data: readonly unknown[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}
const isPage = (answer: unknown): answer is Page =>
  typeof answer === 'object' && answer !== null && 'has_more' in answer;
const isCompletion = (answer: unknown): answer is object =>
  typeof answer === 'object' && answer !== null && 'object' in answer && answer.object === 'text_completion';

/** Every question that this stack can be asked about a model, in the words of its own lists. */
export async function questionsAbout(errata: ErrataClient, model: string): Promise<readonly Question[]> {
  const questions: Question[] = [];
  const add = (path: string, more: Omit<Question, 'path'> = {}) => void questions.push({ path, ...more });
  const of = `/models/${model}`;

  add('/models');
  add(of);
  add(`${of}/branches?deleted=true`);
  add(`${of}/branches`, { ids: true });
  const branches = await errata.branches.list(model).all();
  for (const { name, id } of branches) {
    for (const part of ['', '/policy', '/policy/history', '/log']) add(`${of}/branches/${name}${part}`);
    add(`/branches/${id}/inbox`);
  }
  const tags = await errata.tags.list(model).all();
  add(`${of}/tags`);
  const aliases = await errata.aliases.list(model).all();
  add(`${of}/aliases`);
  for (const { name } of aliases) add(`${of}/aliases/${name}/history`);
  const names = [...branches, ...tags, ...aliases].map(({ name }) => name);
  for (const name of names) add(`${of}/references/${name}`);

  add(`${of}/versions`);
  const versions = await errata.versions.list(model).all();
  for (const { id, parent_id } of versions) {
    for (const part of ['', '/manifest', '/lineage'])
      add(`/versions/${id}${part}`, part === '/lineage' ? { ids: true } : {});
    if (parent_id === null) continue;
    add(`/versions/${parent_id}/diff/${id}`);
    add(`/versions/${parent_id}/diff/${id}/weights`);
  }
  for (const reference of [...names, ...versions.map(({ id }) => id)])
    add('/completions', { body: { model: `${model}@${reference}`, prompt: prompts, max_tokens: 6, temperature: 0 } });

  add('/jobs', { ids: true });
  for (const { id } of await errata.jobs.list().all()) {
    for (const part of ['', '/results', '/events']) add(`/jobs/${id}${part}`);
    for (const edit of await errata.jobs.edits(id).all()) add(`/edits/${edit.id}`);
  }
  for (const kind of ['edit_jobs', 'rollbacks', 'evaluations', 'comparisons', 'bisections', 'blame'] as const)
    add(`/${kind}`, { ids: true });
  for (const { id } of await errata.evaluations.list().all())
    for (const part of ['', '/rows']) add(`/evaluations/${id}${part}`);
  for (const kind of ['comparisons', 'bisections', 'blame'] as const)
    for (const { id } of await errata[kind].list().all()) add(`/${kind}/${id}`);
  add('/suites');
  for (const { name } of await errata.suites.list().all()) add(`/suites/${name}/cases`);
  add(`/artefacts?model=${model}`);
  // What a project without edits and completions has used is the same on any day.
  for (const { name } of await errata.projects.list().all()) {
    if (name !== 'default') add(`/projects/${name}`);
    add(`/projects/${name}/members`);
  }
  add('/schedules');
  for (const { name } of await errata.schedules.list().all()) add(`/schedules/${name}/runs`);
  return questions;
}

/** Opens every version in a process that has seen none, and looks at it. */
export async function openEach(
  { databaseUrl, blobsDir }: Stored,
  model: string,
  versions: readonly string[],
): Promise<readonly Opened[]> {
  const lineage = await openLineage(databaseUrl);
  const engine = startEngine({ blobsDir, threads: 1 });
  try {
    const { resource, files } = await getModel(lineage, model);
    const reference = {
      digest: resource.digest,
      files: files.map(({ path: name, blob: sha256, bytes: size }) => ({ name, sha256, size })),
    };
    const opened: Opened[] = [];
    for (const version of versions) {
      const manifest = await readManifest(lineage, version, resource.id);
      const { digest: weights } = await engine.call('digestWeights', { model: reference, version: manifest });
      const logits: Opened['logits'][number][] = [];
      for (const prompt of prompts) {
        const all = [...(await engine.call('logits', { model: reference, version: manifest, prompt })).logits];
        const sample = all.filter((_, index) => index % 16 === 0);
        logits.push({ prompt, sample, greatest: all.indexOf(Math.max(...all)) });
      }
      opened.push({ version, weights, logits });
    }
    return opened;
  } finally {
    await engine.stop();
    await lineage.close();
  }
}

/** What is computed anew may differ by the machine's arithmetic, in float32. */
const tolerance = 1e-5;

/**
 * Where an answer differs from that of before, by path; empty where they agree. Fields may have been added since; numbers that are not
 * whole may differ by 1e-5 of their size or of 1.
 */
export function differences(before: unknown, now: unknown, path = ''): readonly string[] {
  if (typeof before === 'number' && typeof now === 'number' && !(Number.isInteger(before) && Number.isInteger(now)))
    return Math.abs(before - now) <= tolerance * Math.max(1, Math.abs(before))
      ? []
      : [`${path}: ${before} is now ${now}`];
  if (typeof before !== 'object' || before === null || typeof now !== 'object' || now === null)
    return before === now ? [] : [`${path}: ${JSON.stringify(before)} is now ${JSON.stringify(now)}`];
  if (Array.isArray(before) && (!Array.isArray(now) || before.length !== now.length))
    return [`${path}: ${before.length} items are now ${Array.isArray(now) ? now.length : 'none'}`];
  return Object.entries(before).flatMap(([key, value]) =>
    differences(value, (now as Readonly<Record<string, unknown>>)[key], `${path}/${key}`),
  );
}
