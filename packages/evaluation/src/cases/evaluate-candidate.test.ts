// Evaluations on a real tiny model: against itself, destroyed, and pushed towards one answer.
import { type Edit, editSchema, metricCatalogue } from '@errata/contracts';
import { type Delta, loadCheckpoint, type Model, openModel, type Tokenizer, type View } from '@errata/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyCorpus, writeTinyModel } from '../../../../test/support/tiny-model.ts';
import { createAnswerCache, evaluateCandidate, evaluationResults, type Measurement, measureForGate } from '../index.ts';

let model: Model;
let parent: View;
let tokenizer: Tokenizer;
let remove: () => void;

beforeAll(async () => {
  const tiny = await writeTinyModel();
  remove = tiny.remove;
  const checkpoint = await loadCheckpoint(tiny.path);
  model = openModel(checkpoint);
  checkpoint.close();
  parent = model.view();
  tokenizer = model.tokenizer!;
});

afterAll(async () => {
  await model.release();
  remove();
});

const edit = (fields: Partial<Edit> = {}): Edit =>
  editSchema.parse({
    custom_id: 'e1',
    prompt: 'The capital of Oz is',
    subject: 'Oz',
    target_new: 'Rome',
    rephrases: ['Oz has the capital', 'They govern Oz from'],
    locality: {
      neighbourhood: [{ prompt: 'The capital of Ix is', target: 'Bern' }, { prompt: 'The capital of Ur is' }],
      other_relations: [{ prompt: 'The language of Oz is', target: 'Ozian' }],
    },
    portability: { one_hop: [{ prompt: 'The pope of the capital of Oz lives in', target: 'Rome' }] },
    ...fields,
  });

/** All weights of the model set to zero: every logit is equal, and the first token always wins. */
const zeroed = (): View => {
  const deltas = [...model.spec.parameters.keys()].map((tensor): Delta => {
    const data = parent.weight(tensor).map((x) => -x);
    return { kind: 'dense', tensor, data };
  });
  return parent.with(deltas);
};

/** The final norm puts out the embedding of one letter, whatever comes in. */
const onlySaying = (letter: string): View => {
  const { spec } = model;
  const [id] = tokenizer.encode(letter);
  const row = parent.weight(spec.tokenEmbedding).subarray(id! * spec.width, (id! + 1) * spec.width);
  const { weight, bias } = spec.finalNorm;
  const change = (tensor: string, wanted: (i: number) => number): Delta => ({
    kind: 'dense',
    tensor,
    data: parent.weight(tensor).map((x, i) => wanted(i) - x),
  });
  return parent.with([change(weight, () => 0), change(bias!, (i) => 100 * row[i]!)]);
};

const everything = edit({
  target_true: 'Ozma',
  portability: { alias: [{ prompt: 'The capital of O is', target: 'Rome' }] },
});
const named = (measurements: readonly Measurement[]) => new Map(measurements.map((each) => [each.metric, each]));

describe('a version against itself', () => {
  it('has every delta 0 and every agreement 1, with its parent and with the base', async () => {
    const input = { parent, candidate: parent, base: parent, tokenizer, edits: [everything], rivals: true };
    const evaluation = await evaluateCandidate(input);
    const { rows, cases } = evaluationResults(input.edits, evaluation, { moment: 'once', edits: 1 });
    expect(cases).toMatchObject([{ case_id: 'e1', outcome: 'measured', target: 'Rome' }]);
    for (const { metric, value, before } of rows) expect([metric, value]).toEqual([metric, before ?? 1]);
    const stems = new Set(rows.map(({ metric }) => metric.slice(0, metric.lastIndexOf('.'))));
    expect([...stems]).toEqual([
      'reliability',
      'generalization',
      'portability',
      'portability.alias',
      'locality',
      'locality.neighbourhood',
      'locality.other_relations',
      'locality_base',
      'locality_base.neighbourhood',
      'locality_base.other_relations',
      'efficacy',
      'paraphrase',
      'neighbourhood',
      'neighbourhood_own',
    ]);
    for (const row of rows) expect(row.version).toBe(metricCatalogue.get(row.metric)!.version);
  });

  it('agrees with itself everywhere and has not moved', async () => {
    const { summary, perEdit } = await evaluateCandidate({
      parent,
      candidate: parent,
      tokenizer,
      edits: [edit()],
      heldText: tinyCorpus(),
      perplexityTokens: 300,
    });
    expect(summary.locality).toEqual({ token: 1, all: 1, exact: 1, count: 3 });
    expect(summary.locality_by_kind.neighbourhood).toEqual({ token: 1, all: 1, exact: 1, count: 2 });
    expect(summary.delta_norm).toBeNull();
    expect(summary.perplexity!.candidate).toBe(summary.perplexity!.parent);
    expect(summary.reliability.after).toEqual(summary.reliability.before);
    expect(summary.generalization!.after).toEqual(summary.generalization!.before);
    expect(summary.portability_by_kind.one_hop!.after.count).toBe(1);
    expect(perEdit[0]!.answer_after).toBe(perEdit[0]!.answer_before);
  });
});

describe('a destroyed version', () => {
  it('answers nothing, agrees with nothing, and its perplexity is that of guessing', async () => {
    const candidate = zeroed();
    const input = { parent, candidate, tokenizer, edits: [edit()], heldText: tinyCorpus(), perplexityTokens: 300 };
    const evaluation = await evaluateCandidate(input);
    const { summary } = evaluation;
    expect(summary.reliability.after).toEqual({ token: 0, all: 0, exact: 0, count: 1 });
    expect(summary.generalization!.after.token).toBe(0);
    expect(summary.locality!.token).toBeLessThan(0.3);
    expect(summary.delta_norm).toBeCloseTo(1, 6);
    expect(summary.perplexity!.candidate).toBeCloseTo(model.spec.vocab, 0);
    const { values } = await measureForGate(evaluation, input, { policy: { rules: [] } });
    expect(values.reliability).toBe(0);
    expect(values.perplexity_ratio).toBe(summary.perplexity!.candidate / summary.perplexity!.parent);
  });
});

describe('neighbours whose answer is the new one', () => {
  it('are counted apart, and take no part in the scores', async () => {
    const taken = { prompt: 'The capital of Ys is', target: 'Rome' };
    const neighbourhood = [...everything.locality.neighbourhood!, taken];
    const crowded = { ...everything, locality: { ...everything.locality, neighbourhood } };
    const input = { parent, candidate: zeroed(), tokenizer, edits: [everything, crowded], rivals: true };
    const [plain, other] = (await evaluateCandidate(input)).measurements.map(named);
    expect(plain!.has('neighbourhood.skipped')).toBe(false);
    expect(other!.get('neighbourhood.skipped')).toMatchObject({ value: 1, before: null, count: 3 });
    for (const metric of ['neighbourhood.score', 'neighbourhood_own.magnitude'])
      expect(other!.get(metric)).toEqual(plain!.get(metric));
    expect(other!.get('locality.neighbourhood.token')!.count).toBe(3);
  });
});

describe('a destroyed version', () => {
  it('is at chance in preferring the new answer, and its accuracy says why', async () => {
    const input = { parent, candidate: zeroed(), base: parent, tokenizer, edits: [everything], rivals: true };
    const measured = named((await evaluateCandidate(input)).measurements[0]!);
    for (const role of ['efficacy', 'paraphrase', 'neighbourhood', 'neighbourhood_own']) {
      expect(measured.get(`${role}.score`)!.value).toBe(0.5);
      expect(measured.get(`${role}.magnitude`)!.value).toBeCloseTo(0, 12);
    }
    for (const reading of ['token', 'all', 'exact']) expect(measured.get(`reliability.${reading}`)!.value).toBe(0);
    expect(measured.get('locality.token')).toEqual({
      ...measured.get('locality_base.token')!,
      metric: 'locality.token',
    });
  });
});

describe('the base', () => {
  it('is compared with apart from the parent, laid out as the parent answered', async () => {
    const input = { parent: zeroed(), candidate: zeroed(), base: parent, tokenizer, edits: [everything] };
    const [cache, baseCache] = [createAnswerCache(), createAnswerCache()];
    const first = await evaluateCandidate({ ...input, cache, baseCache });
    const measured = named(first.measurements[0]!);
    expect(measured.get('locality.token')!.value).toBe(1);
    expect(measured.get('locality_base.token')!.value).toBeLessThan(0.3);
    // Seven questions of each of two models; of the base only the three about agreement.
    expect(first.spent.answers).toBe(17);
    const asked: string[] = [];
    const again = await evaluateCandidate(
      { ...input, cache, baseCache },
      { onProgress: ({ stage, total }) => void (total > 0 && asked.push(stage)) },
    );
    expect(again.measurements).toEqual(first.measurements);
    expect([...new Set(asked)]).toEqual(['candidate']);
    expect(again.spent.answers).toBe(7);
    expect(again.spent.answer_tokens).toBeLessThan(first.spent.answer_tokens);
  });
});

describe('answers', () => {
  it('of a version that only ever says x hit the letters of a target of x, not the space before it', async () => {
    const candidate = onlySaying('x');
    const { perEdit } = await evaluateCandidate({
      parent,
      candidate,
      tokenizer,
      edits: [edit({ target_new: 'xxx' }), edit({ custom_id: 'e2', prompt: 'Oz:\n', target_new: 'xxx' })],
    });
    expect(perEdit[0]!.reliability.after).toEqual({ token: 3 / 4, all: 0, exact: 0 });
    // After a line break there is no space to miss; but generation does not stop after three, so it is no exact match.
    expect(perEdit[1]!.reliability.after).toEqual({ token: 1, all: 1, exact: 0 });
    expect(perEdit[0]!.answer_after).toMatch(/^x+$/);
  });

  it('are read far enough to see the longest spelling', async () => {
    const candidate = onlySaying('x');
    const edits = [edit({ prompt: 'Oz:\n', target_new: 'Rome', aliases: ['x'.repeat(30)] })];
    const { perEdit } = await evaluateCandidate({ parent, candidate, tokenizer, edits });
    expect(perEdit[0]!.answer_after).toHaveLength(34);
  });

  it('are scored by the fraction of target tokens at the top', async () => {
    const prompt = 'The capital of Oz is';
    const { perEdit } = await evaluateCandidate({
      parent,
      candidate: parent,
      tokenizer,
      edits: [edit({ prompt, target_new: 'Rome' })],
    });
    const { predicted } = await predictions(prompt, ' Rome');
    const { token, all } = perEdit[0]!.reliability.before;
    expect(token).toBe(predicted.filter((hit) => hit).length / predicted.length);
    expect(all).toBe(predicted.every((hit) => hit) ? 1 : 0);
  });

  /** By hand, one position at a time: whether each token of the target is the likeliest after those before it. */
  async function predictions(prompt: string, target: string): Promise<{ predicted: boolean[] }> {
    const ids = tokenizer.encode(prompt);
    const predicted: boolean[] = [];
    for (const id of tokenizer.encode(target)) {
      const [logits] = await parent.nextLogits([ids]);
      predicted.push(logits!.indexOf(Math.max(...logits!)) === id);
      ids.push(id);
    }
    return { predicted };
  }
});

describe('what an edit broke', () => {
  it('is told in words, the worst first, and nothing where nothing changed', async () => {
    const before = await evaluateCandidate({ parent, candidate: parent, tokenizer, edits: [edit()] });
    expect(before.regressions).toEqual([[]]);
    const input = { parent, candidate: zeroed(), tokenizer, edits: [edit()] };
    const broken = await evaluateCandidate(input);
    const [first, ...others] = broken.regressions[0]!;
    expect(first!.metric).toMatch(/^locality\.(neighbourhood|other_relations)$/);
    expect(first!.after).not.toBe(first!.before);
    // Three locality probes: the answers that were wanted of the others were wrong before, too.
    expect(others).toHaveLength(2);
    const { cases } = evaluationResults(input.edits, broken, { moment: 'once', edits: 1 });
    expect(cases[0]!.regressions).toEqual(broken.regressions[0]);
    expect(evaluationResults(input.edits, before, { moment: 'once', edits: 1 }).cases[0]).not.toHaveProperty(
      'regressions',
    );
  });
});

describe('edits that failed', () => {
  it('are reported, not asked about, and left out of the means', async () => {
    const { summary, perEdit } = await evaluateCandidate({
      parent,
      candidate: parent,
      tokenizer,
      edits: [edit(), edit({ custom_id: 'e2', prompt: `Oz ${'is '.repeat(60)}` })],
      outcomes: [
        { outcome: 'applied', diagnostics: { steps: 3 } },
        { outcome: 'failed', error: { code: 'edit_failed', message: 'no' } },
      ],
    });
    expect(summary).toMatchObject({ edits: 2, applied: 1, perplexity: null });
    expect(summary.reliability.after.count).toBe(1);
    expect(perEdit[0]).toMatchObject({ outcome: 'applied', error: null, diagnostics: { steps: 3 } });
    expect(perEdit[1]).toMatchObject({ outcome: 'failed', error: { code: 'edit_failed', message: 'no' } });
  });

  it('all of them leave a gate nothing to say about reliability', async () => {
    const outcomes = [{ outcome: 'failed', error: { code: 'edit_failed', message: 'no' } } as const];
    const input = { parent, candidate: parent, tokenizer, edits: [edit()], outcomes };
    const measured = await measureForGate(await evaluateCandidate(input), input, { policy: { rules: [] } });
    expect(measured).toMatchObject({ values: {}, edits: [{ values: {} }] });
    expect(measured.values).toEqual({});
  });
});

describe('batches', () => {
  it('of many edits give each the answers it has alone', async () => {
    const edits = ['Oz', 'Ix', 'Ur'].map((subject, i) =>
      edit({ custom_id: `e${i}`, prompt: `The capital of ${subject} is`, subject }),
    );
    const candidate = zeroed();
    const together = await evaluateCandidate({ parent, candidate, tokenizer, edits });
    for (const [i, one] of edits.entries()) {
      const alone = await evaluateCandidate({ parent, candidate, tokenizer, edits: [one] });
      expect(together.perEdit[i]).toEqual(alone.perEdit[0]);
    }
  });

  it('take the answers of the parent from a cache', async () => {
    const cache = createAnswerCache();
    const input = { parent, candidate: zeroed(), tokenizer, edits: [edit()], cache };
    const first = await evaluateCandidate(input);
    const progress: number[] = [];
    const second = await evaluateCandidate(input, {
      onProgress: ({ stage, total }) => {
        if (stage === 'parent') progress.push(total);
      },
    });
    expect(second.perEdit).toEqual(first.perEdit);
    expect(progress).toEqual([0]);
  });

  it('stop when they are told to', async () => {
    const stop = AbortSignal.abort(new Error('enough'));
    const input = { parent, candidate: parent, tokenizer, edits: [edit()] };
    await expect(evaluateCandidate(input, { signal: stop })).rejects.toThrow('enough');
  });

  it('costs an edit whose probe is too long its own measurement, and no other', async () => {
    const long = edit({ custom_id: 'long', rephrases: [`Oz ${'is '.repeat(60)}`] });
    const { perEdit, summary } = await evaluateCandidate({
      parent,
      candidate: parent,
      tokenizer,
      edits: [long, edit({})],
    });
    expect(perEdit.map(({ outcome, unmeasured }) => [outcome, unmeasured?.code])).toEqual([
      ['applied', 'prompt_too_long'],
      ['applied', undefined],
    ]);
    // The prompt has 183 characters, of which the message quotes some.
    expect(perEdit[0]?.error).toBeNull();
    expect(perEdit[0]?.unmeasured?.message).toMatch(
      /^"Oz (is ){20,30}…?[^"]*…" with its answer is \d+ tokens; the model reads 96$/,
    );
    expect(summary).toMatchObject({ edits: 2, applied: 2, already_holds: 0, measured: 1 });
    expect(summary.reliability.after.count).toBe(1);
  });

  it('count edits that held already apart, and measure them like the others', async () => {
    const { perEdit, summary } = await evaluateCandidate({
      parent,
      candidate: parent,
      tokenizer,
      edits: [edit({ custom_id: 'held' }), edit({})],
      outcomes: [
        { outcome: 'already_holds', diagnostics: {} },
        { outcome: 'applied', diagnostics: {} },
      ],
    });
    expect(perEdit.map(({ outcome, error }) => [outcome, error])).toEqual([
      ['already_holds', null],
      ['applied', null],
    ]);
    expect(perEdit[0]?.reliability).toEqual(perEdit[1]?.reliability);
    expect(summary).toMatchObject({ edits: 2, applied: 1, already_holds: 1, measured: 2 });
  });
});
