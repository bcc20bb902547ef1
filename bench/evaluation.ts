// Evaluating records in batches, with the parent's answers kept, against asking one prompt at a time: the same results, in one run.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { atlasDirectory } from '@errata/atlas';
import type { Edit, Score } from '@errata/contracts';
import {
  type AnswerCache,
  createAnswerCache,
  evaluateCandidate,
  evaluationResults,
  loadDataset,
  type Question,
  questionsOfEdit,
  scoreAgreement,
  scoreAnswer,
} from '@errata/evaluation';
import {
  type Delta,
  encodePrompt,
  layOut,
  loadCheckpoint,
  openModel,
  type Tokenizer,
  uniform,
  type View,
  valueMatrix,
} from '@errata/models';
import { median } from './median.ts';

const usage = `usage: npm run bench -- evaluation [options]
  --model DIR    default ../shared/data/models/tinystories656k where it is, else models/atlas
  --edits FILE   a data set of any layout; default CounterFact in ../shared/data where it is, else models/atlas/edits.jsonl
  --n COUNT      records, default 256
`;

/** As many as the protocols take. */
const recordsAtOnce = 64;

const root = fileURLToPath(new URL('..', import.meta.url));

/** A reply to one question, asked by itself: one run for the target, one generation. */
async function askAlone({ view, tokenizer }: Asked, question: Question) {
  const { promptIds, targetIds } = layOut(tokenizer, question.prompt, question.target!);
  const [score] = await view.score([{ prompt: promptIds, target: targetIds }]);
  const negativeLogProb = -score!.logProbs.reduce((a, b) => a + b, 0) / targetIds.length;
  const found = { targetIds, predicted: [...score!.best], negativeLogProb };
  if (question.about === 'probability') return { ...found, greedyIds: [], text: '' };
  const spellings = question.accepted.map((answer) => layOut(tokenizer, question.prompt, answer).targetIds.length);
  const maxTokens = question.about === 'agreement' ? targetIds.length : Math.max(...spellings) + 4;
  const stop = tokenizer.eosId === undefined ? [] : [tokenizer.eosId];
  const [{ tokens } = { tokens: [] }] = await view.generate([encodePrompt(tokenizer, question.prompt)], {
    maxTokens,
    stop,
  });
  return { ...found, greedyIds: tokens, text: tokenizer.decodeContinuation(tokens) };
}

interface Asked {
  readonly view: View;
  readonly tokenizer: Tokenizer;
}

type Values = Map<string, number>;
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Every question of every edit put to both versions, one after another. */
async function oneAtATime(parent: Asked, candidate: Asked, edits: readonly Edit[]): Promise<Values> {
  const values: Values = new Map();
  for (const edit of edits) {
    const asked = questionsOfEdit(edit, { rivals: true });
    const both = async (question: Question) =>
      [await askAlone(parent, question), await askAlone(candidate, question)] as const;
    const note = (metric: string, list: readonly number[]) => values.set(`${edit.custom_id} ${metric}`, mean(list));
    const answers = async (metric: string, questions: readonly Question[]) => {
      const scores: Score[] = [];
      for (const question of questions) scores.push(scoreAnswer(question, (await both(question))[1]));
      for (const reading of ['token', 'all', 'exact'] as const)
        if (scores.length > 0)
          note(
            `${metric}.${reading}`,
            scores.map((score) => score[reading]),
          );
    };
    await answers('reliability', [asked.reliability]);
    await answers('generalization', asked.generalization);
    await answers('portability', [...asked.portability.values()].flat());
    const kept: Score[] = [];
    for (const question of [...asked.locality.values()].flat()) kept.push(scoreAgreement(...(await both(question))));
    for (const reading of ['token', 'all', 'exact'] as const)
      if (kept.length > 0)
        note(
          `locality.${reading}`,
          kept.map((score) => score[reading]),
        );
    for (const [role, pairs] of Object.entries(asked.rivals?.weighed ?? {})) {
      const wins: number[] = [];
      for (const { wanted, unwanted } of pairs) {
        const [one, other] = [(await both(wanted))[1], (await both(unwanted))[1]];
        wins.push(Math.sign(other.negativeLogProb - one.negativeLogProb) / 2 + 0.5);
      }
      if (wins.length > 0) note(`${role}.score`, wins);
    }
  }
  return values;
}

/** As protocols do: many records at a time, the parent's answers kept. */
async function together(parent: Asked, candidate: Asked, edits: readonly Edit[], cache: AnswerCache): Promise<Values> {
  const found = await evaluateCandidate({
    parent: parent.view,
    candidate: candidate.view,
    tokenizer: parent.tokenizer,
    edits,
    rivals: true,
    cache,
  });
  const { rows } = evaluationResults(edits, found, { moment: 'once', edits: 1 });
  return new Map(rows.map(({ case_id, metric, value }) => [`${case_id} ${metric}`, value]));
}

/** Values that one way gives and the other gives otherwise. A tie of two logits may fall either way in batches of other sizes. */
function compare(one: Values, other: Values): { readonly compared: number; readonly differing: readonly string[] } {
  const differing = [...one].filter(
    ([key, value]) => Math.abs(value - (other.get(key) ?? Number.NaN)) > 1e-9 || !other.has(key),
  );
  return { compared: one.size, differing: differing.map(([key]) => key) };
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly seconds: number }> {
  const begun = performance.now();
  return { value: await work(), seconds: (performance.now() - begun) / 1000 };
}

/** A version some way off: enough for answers to change. */
function moved(view: View): View {
  const { weight, inSize, outSize } = valueMatrix(view.spec, view.spec.layers - 1);
  const next = uniform(7, 0);
  const noise = (size: number) => Float32Array.from({ length: size }, () => 0.2 * (2 * next() - 1));
  const delta: Delta = { kind: 'low_rank', tensor: weight, rank: 1, left: noise(inSize), right: noise(outSize) };
  return view.with([delta]);
}

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: { type: 'string' },
      edits: { type: 'string' },
      n: { type: 'string', default: '256' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  const shared = join(root, '../shared/data');
  const stories = join(shared, 'models/tinystories656k');
  const records = join(shared, 'counterfact/counterfact_full_1000.json');
  const model = values.model ?? (existsSync(stories) ? stories : atlasDirectory);
  const count = Number(values.n);
  const file = values.edits ?? (existsSync(records) ? records : join(atlasDirectory, 'edits.jsonl'));
  const edits = (await loadDataset(file, { limit: count })).cases.flatMap((each) => each.edits);

  const checkpoint = await loadCheckpoint(model);
  const opened = openModel(checkpoint);
  checkpoint.close();
  const tokenizer = opened.tokenizer!;
  const parent = { view: opened.view(), tokenizer };
  const [first, second] = [moved(parent.view), moved(moved(parent.view))].map((view) => ({ view, tokenizer }));
  await parent.view.reply([{ prompt: [1], targets: [[2]], tokens: 2 }]);

  // By turns, so that whatever else the machine does falls on all alike.
  const cache = createAnswerCache(1_000_000);
  const seconds = { naive: [] as number[], cold: [] as number[], warm: [] as number[] };
  let [compared, differing] = [0, [] as readonly string[]];
  for (let at = 0; at < edits.length; at += recordsAtOnce) {
    const some = edits.slice(at, at + recordsAtOnce);
    const naive = await timed(() => oneAtATime(parent, first!, some));
    const cold = await timed(() => together(parent, first!, some, cache));
    const warm = await timed(() => together(parent, second!, some, cache));
    seconds.naive.push(naive.seconds);
    seconds.cold.push(cold.seconds);
    seconds.warm.push(warm.seconds);
    const found = compare(naive.value, cold.value);
    compared += found.compared;
    differing = [...differing, ...found.differing];
  }
  await opened.release();

  if (differing.length > compared / 1000) throw new Error(`the two ways differ: ${differing.slice(0, 5).join(', ')}`);
  const row = (name: string, taken: readonly number[]) => {
    const total = taken.reduce((a, b) => a + b, 0);
    const ratio = median(taken.map((each, round) => seconds.naive[round]! / each));
    return `| ${name} | ${total.toFixed(1)} s | ${(edits.length / total).toFixed(1)} | ${ratio.toFixed(1)} |`;
  };
  console.log(`${edits.length} records, each asked of a version and its parent, ${recordsAtOnce} at a time; ${compared} values compared, ${differing.length} differ.

| way | in all | records a second | times as fast, median |
|---|---|---|---|
${row('one prompt at a time', seconds.naive)}
${row('in batches', seconds.cold)}
${row("in batches, the parent's answers known from another version's evaluation", seconds.warm)}`);
}
