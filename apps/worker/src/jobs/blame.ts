// Blame: the edit that gave a version the answer it gives now.
import {
  type BlameMethod,
  type BlameResult,
  type EditMention,
  normaliseAnswer,
  type VersionSource,
  versionId,
} from '@errata/contracts';
import {
  chainLength,
  commitSearch,
  editsById,
  getModel,
  groundAt,
  type Link,
  linkAt,
  replayOf,
  type StoredEdit,
  type StoredModel,
  sourceAt,
} from '@errata/lineage';
import { z } from 'zod';
import type { JobRun } from '../attempts/job-run.ts';
import { solve } from '../candidates/candidate.ts';
import { readInput } from './input.ts';
import { requestOf } from './rollback.ts';
import { askVersion, type Heard, sameAnswer } from './search-answers.ts';

const blameInputSchema = z.object({ prompt: z.string(), exhaustive: z.boolean(), tip: z.string().nullable() });

/** Edits of one contribution that are told apart by applying the others anew, at most: each takes a solve. */
const replayedEdits = 16;

/** The states of a version's chain, 0 the imported model and n the version, each asked at most once. */
interface Chain {
  readonly model: StoredModel;
  readonly length: number;
  /** What the state at a position, 1 or more, has and the one before it has not. */
  linkAt(position: number): Promise<Link>;
  stateAt(position: number): Promise<VersionSource>;
  ask(position: number): Promise<Heard>;
}

export async function blame(run: JobRun): Promise<void> {
  const { prompt, exhaustive, tip } = readInput(blameInputSchema, run.job);
  const { lineage } = run.context;
  if (run.job.model_id === null) throw new TypeError(`${run.job.id} is for no model`);
  const model = await getModel(lineage, run.job.model_id);
  const length = await chainLength(lineage, tip);
  const asked = new Map<number, Heard>();
  const stateAt = async (position: number) =>
    sourceAt(lineage, model.resource.digest, (await linkAt(lineage, tip, position))?.id ?? null);
  const chain: Chain = {
    model,
    length,
    linkAt: async (position) => (await linkAt(lineage, tip, position))!,
    stateAt,
    ask: async (position) => {
      const heard =
        asked.get(position) ?? (await askVersion(run, model, await stateAt(position), { prompt, weigh: [] }));
      asked.set(position, heard);
      run.report({ phase: 'blame', done: asked.size, total: Math.max(asked.size, mostAsked(length, exhaustive)) });
      return heard;
    },
  };
  const position = await lastFlip(chain, exhaustive);
  const found = position === 0 ? madeByNone : await attribute(run, chain, prompt, position);
  const now = await chain.ask(length);
  const before = position === 0 ? null : await chain.ask(position - 1);
  const after = await chain.ask(position);
  const answers = { now: now.answer, before: before?.answer ?? null };
  const result: BlameResult = {
    version_id: now.version_id,
    answer: now.answer,
    origin: position === 0 ? 'base' : 'edit',
    ...found,
    before: before === null ? null : await weighed(run, chain, prompt, position - 1, before, answers),
    after: await weighed(run, chain, prompt, position, after, answers),
    position,
    contributions: length,
    asked: [...asked.keys()].sort((a, b) => a - b),
    exact: Array.from({ length: length - position + 1 }, (_, index) => position + index).every((at) => asked.has(at)),
  };
  await run.move('committing');
  await commitSearch(lineage, run.lease, { jobId: run.job.id, result });
  run.ended('succeeded');
}

const mostAsked = (length: number, exhaustive: boolean): number =>
  exhaustive ? length + 1 : 2 * Math.ceil(Math.log2(length + 1)) + 2;

/**
 * The position at which the answer took its present value: there it is given, and not one before. Looks back from the end in steps
 * that double until another answer is met, then halves the gap; an answer that came and went within a step is not seen, unless every
 * state is asked. 0 when no other answer is met down to the imported model.
 */
async function lastFlip({ length, ask }: Chain, exhaustive: boolean): Promise<number> {
  const now = await ask(length);
  const isSame = async (position: number) => sameAnswer(await ask(position), now);
  let same = length;
  let other: number | null = null;
  for (let back = 1; same > 0 && other === null; back = exhaustive ? back + 1 : 2 * back) {
    const position = Math.max(0, length - back);
    if (await isSame(position)) same = position;
    else other = position;
  }
  if (other === null) return 0;
  while (same - other > 1) {
    const middle = Math.floor((same + other) / 2);
    if (await isSame(middle)) same = middle;
    else other = middle;
  }
  return same;
}

type Found = Pick<BlameResult, 'edit' | 'method' | 'candidates' | 'job_version_id'>;

const madeByNone: Found = { edit: null, method: null, candidates: [], job_version_id: null };

/** Which of the edits that share the deltas at a flip made it. */
async function attribute(run: JobRun, chain: Chain, prompt: string, position: number): Promise<Found> {
  const { lineage } = run.context;
  const contribution = await chain.linkAt(position);
  const stored = await editsById(lineage, contribution.edit_ids);
  const edits = contribution.edit_ids.map((id) => stored.get(id)!);
  const replay = await replayOf(lineage, contribution.job_id, edits);
  const common = { job_version_id: replay.version_id };
  const blamed = (edit: StoredEdit, method: BlameMethod, without: ReadonlyMap<string, string> = new Map()): Found => ({
    ...common,
    edit: { ...mention(edit), job_id: edit.job_id },
    method,
    candidates: edits.map((each) => ({ edit: mention(each), answer_without: without.get(each.id) ?? null })),
  });
  const [first, ...more] = edits;
  if (first !== undefined && more.length === 0) return blamed(first, 'only_edit');
  const byPrompt = edits.filter(({ edit }) => [edit.prompt, ...edit.rephrases].includes(prompt));
  if (byPrompt.length === 1) return blamed(byPrompt[0]!, 'prompt');
  const bySubject = (byPrompt.length > 1 ? byPrompt : edits).filter(
    ({ edit }) => edit.subject !== undefined && prompt.includes(edit.subject),
  );
  if (bySubject.length === 1) return blamed(bySubject[0]!, 'subject');

  const suspects = bySubject.length > 1 ? bySubject : edits;
  const without = new Map<string, string>();
  if (suspects.length <= replayedEdits) {
    const base = await groundAt(lineage, chain.model.resource.digest, contribution.previous);
    const { request } = await requestOf(run, chain.model, replay);
    for (const [index, suspect] of suspects.entries()) {
      const others = edits.filter(({ id }) => id !== suspect.id);
      const place = `replay ${index + 1} of ${suspects.length}`;
      const { ground } = await solve(
        run,
        chain.model,
        base,
        { ...request, edits: others, on_error: 'continue' },
        place,
      );
      without.set(suspect.id, (await askVersion(run, chain.model, ground.source, { prompt, weigh: [] })).answer);
    }
    const answer = normaliseAnswer((await chain.ask(position)).answer);
    const needed = suspects.filter(({ id }) => normaliseAnswer(without.get(id) ?? '') !== answer);
    if (needed.length === 1) return blamed(needed[0]!, 'replay', without);
  }
  return { ...blamed(suspects[0]!, 'replay', without), edit: null, method: null };
}

const mention = ({ id, edit }: StoredEdit): EditMention => {
  const { custom_id, prompt, subject, target_new } = edit;
  return { id, custom_id, prompt, subject: subject ?? null, target_new };
};

/** How probable a state finds the present answer and the one before it. */
async function weighed(
  run: JobRun,
  { model, stateAt }: Chain,
  prompt: string,
  position: number,
  { answer }: Heard,
  answers: { readonly now: string; readonly before: string | null },
) {
  const version = await stateAt(position);
  const weigh = [answers.now, answers.before].flatMap((text) => (text === null || text === '' ? [] : [text]));
  const heard = weigh.length === 0 ? null : await askVersion(run, model, version, { prompt, weigh });
  const probabilityOf = (text: string | null) => heard?.weighed.find((each) => each.text === text)?.probability ?? null;
  return {
    version_id: versionId(version),
    answer,
    probability: { answer: probabilityOf(answers.now) ?? 0, earlier: probabilityOf(answers.before) },
  };
}
