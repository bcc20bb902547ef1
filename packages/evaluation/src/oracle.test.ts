// Every metric against an independent computation (test/oracles/metrics.py) on a tiny trained model and on texts.
import { existsSync, readFileSync } from 'node:fs';
import { type Edit, type EditInput, editSchema } from '@errata/contracts';
import { loadCheckpoint, type Model, openModel, openSafetensors, type Tokenizer, type View } from '@errata/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CaseMeasurements,
  type DatasetCase,
  evaluateCandidate,
  fitTfidf,
  harmonicMean,
  heldTokens,
  type Measurement,
  measureMultiHop,
  measureRipples,
  measureSuite,
  measureTexts,
  type RippleCase,
  referencesOf,
  textEntropy,
  words,
} from './index.ts';
import { bootstrapMean } from './statistics/bootstrap.ts';
import { normalCumulative, normalQuantile } from './statistics/normal.ts';

type Query = readonly [prompt: string, answers: readonly (readonly string[])[]];
type Reading = { readonly token: number; readonly all: number; readonly exact: number };

interface Lands {
  readonly edits: readonly EditInput[];
  /** Value, value of the parent, prompts, by metric, by case. */
  readonly rows: Readonly<Record<string, Readonly<Record<string, readonly [number, number | null, number]>>>>;
  readonly perplexity: { readonly text: string; readonly tokens: number; readonly values: readonly number[] };
  readonly essence: { readonly texts: readonly string[]; readonly values: readonly number[] };
  readonly suite: {
    readonly items: readonly { readonly id: string; readonly prompt: string; readonly answers: readonly string[] }[];
    readonly rows: Readonly<Record<string, readonly [after: Reading, before: Reading]>>;
  };
  readonly multi_hop: {
    readonly edits: readonly number[];
    readonly questions: readonly string[];
    readonly before: readonly string[];
    readonly after: readonly string[];
    readonly hops_before: readonly (readonly [string, readonly string[]])[];
    readonly hops_after: readonly (readonly [string, readonly string[]])[];
    /** Edit-wise, instance-wise and multi-hop, of the candidate and of the parent. */
    readonly values: readonly [readonly number[], readonly number[]];
  };
  readonly ripples: {
    readonly criteria: Readonly<
      Record<
        string,
        readonly {
          readonly queries: readonly Query[];
          readonly conditions: readonly Query[];
          readonly passes: 'any' | 'all';
        }[]
      >
    >;
    readonly values: Readonly<Record<string, readonly [number, number, number]>>;
  };
}

const fixture = (name: string) => new URL(`./fixtures/${name}`, import.meta.url).pathname;
const read = <T>(name: string) => JSON.parse(readFileSync(fixture(name), 'utf8')) as T;

const lands = read<Lands>('lands.json');
const edits: readonly Edit[] = lands.edits.map((edit) => editSchema.parse(edit));

let model: Model;
let tokenizer: Tokenizer;
let base: View;
let parent: View;
let candidate: View;

beforeAll(async () => {
  const checkpoint = await loadCheckpoint(fixture('lands'));
  model = openModel(checkpoint);
  checkpoint.close();
  tokenizer = model.tokenizer!;
  const changes = openSafetensors(fixture('lands/deltas.safetensors'));
  const tensor = 'transformer.h.1.mlp.c_proj.weight';
  base = model.view();
  parent = base.with([{ kind: 'dense', tensor, data: changes.read('first') }]);
  candidate = parent.with([{ kind: 'dense', tensor, data: changes.read('second') }]);
  changes.close();
});

afterAll(() => model.release());

/** Probabilities agree to single precision; everything that counts tokens or answers agrees exactly. */
const close = (value: number): unknown => (Number.isInteger(value) ? value : expect.closeTo(value, 5));

const named = (measurements: readonly Measurement[]) =>
  Object.fromEntries(measurements.map(({ metric, value, before, count }) => [metric, [value, before, count]]));

const closeRows = (rows: Lands['rows'][string]) =>
  Object.fromEntries(
    Object.entries(rows).map(([metric, [value, before, count]]) => [
      metric,
      [close(value), before === null ? null : close(before), count],
    ]),
  );

describe('an evaluation', () => {
  it('has the values that transformers gives, prompt by prompt, padded on either side or not at all', async () => {
    const { measurements } = await evaluateCandidate({ parent, candidate, base, tokenizer, edits, rivals: true });
    for (const [position, edit] of edits.entries()) {
      const expected = lands.rows[edit.custom_id]!;
      expect(Object.keys(expected).length).toBeGreaterThan(3);
      expect(named(measurements[position]!)).toEqual(closeRows(expected));
    }
  });

  it('has the perplexities that transformers gives, window by window', async () => {
    const { text, tokens, values } = lands.perplexity;
    const ids = heldTokens(tokenizer, text, 4096);
    expect(ids).toHaveLength(tokens);
    for (const [position, view] of [base, parent, candidate].entries()) {
      const { perplexity } = await view.perplexity(ids);
      expect(perplexity / values[position]!).toBeCloseTo(1, 4);
    }
  });
});

const storiesPath = new URL('../../../../shared/data/models/tinystories656k', import.meta.url).pathname;

describe.skipIf(!existsSync(storiesPath))(
  'an evaluation of a model whose tokens end in their space (../shared/data)',
  () => {
    it('has the values that transformers gives', async () => {
      const checkpoint = await loadCheckpoint(storiesPath);
      const stories = openModel(checkpoint);
      checkpoint.close();
      const expected = read<Pick<Lands, 'edits' | 'rows'>>('stories.json');
      const whole = stories.view();
      const tensor = 'model.layers.1.mlp.down_proj.weight';
      const data = whole.weight(tensor).map((x) => -0.4 * x);
      const asked = expected.edits.map((edit) => editSchema.parse(edit));
      const { measurements } = await evaluateCandidate({
        parent: whole,
        candidate: whole.with([{ kind: 'dense', tensor, data }]),
        base: whole,
        tokenizer: stories.tokenizer!,
        edits: asked,
        rivals: true,
      });
      await stories.release();
      for (const [position, { custom_id }] of asked.entries())
        expect(named(measurements[position]!)).toEqual(closeRows(expected.rows[custom_id]!));
    });
  },
);

const bare: DatasetCase = { id: 'case', edits: [] };
const only = (found: readonly CaseMeasurements[]) => {
  expect(found).toHaveLength(1);
  expect(found[0]!.error).toBeNull();
  return named(found[0]!.measurements);
};

describe('probes of a data set', () => {
  it('of a suite are answered as transformers answers them, aliases counting', async () => {
    const items = lands.suite.items.map((item) => ({ ...item, kind: 'question' as const }));
    const found = await measureSuite({ parent, candidate, tokenizer, items });
    expect(found.map(({ case_id }) => case_id)).toEqual(items.map(({ id }) => id));
    for (const { case_id, measurements } of found) {
      const [after, before] = lands.suite.rows[case_id]!;
      const readings = ['token', 'all', 'exact'] as const;
      expect(named(measurements)).toEqual(
        Object.fromEntries(readings.map((each) => [`accuracy.${each}`, [close(after[each]), close(before[each]), 1]])),
      );
    }
  });

  it('over several hops count any wording and all facts', async () => {
    const { multi_hop: expected } = lands;
    const accepted = ([value, ...aliases]: readonly string[]) => ({ value: value!, aliases });
    const hop = ([cloze, answers]: readonly [string, readonly string[]]) => ({
      question: '',
      cloze,
      answer: accepted(answers),
    });
    const multiHop = {
      questions: expected.questions,
      before: accepted(expected.before),
      after: accepted(expected.after),
      hops: { before: expected.hops_before.map(hop), after: expected.hops_after.map(hop) },
    };
    const cases = [
      { ...bare, edits: expected.edits.map((position) => edits[position]!), multiHop },
      { ...bare, id: 'other' },
    ];
    const [after, before] = expected.values;
    expect(only(await measureMultiHop({ parent, candidate, tokenizer, cases }))).toEqual({
      'multi_hop.edit_wise': [after[0], before[0], 2],
      'multi_hop.instance_wise': [after[1], before[1], 2],
      'multi_hop.accuracy': [after[2], before[2], 2],
    });
  });

  it('of ripple effects count where their conditions held before the edit', async () => {
    const asked = (queries: readonly Query[]) =>
      queries.map(([prompt, answers]) => ({
        prompt,
        answers: answers.map(([value, ...aliases]) => ({ value: value!, aliases })),
      }));
    const criteria = Object.fromEntries(
      Object.entries(lands.ripples.criteria).map(([criterion, tests]) => [
        criterion,
        tests.map(({ queries, conditions, passes }) => ({
          queries: asked(queries),
          conditions: asked(conditions),
          passes,
        })),
      ]),
    ) as RippleCase['criteria'];
    const cases = [{ ...bare, ripple: { subset: 'popular' as const, criteria } }];
    expect(only(await measureRipples({ parent, candidate, tokenizer, cases }))).toEqual(
      Object.fromEntries(Object.entries(lands.ripples.values).map(([name, value]) => [`ripple.${name}`, value])),
    );
  });

  it('of texts measure what was written, and the same whatever other cases are asked', async () => {
    const references = { consistency: ['Port Blue is the capital of Oz.'], essence: lands.essence.texts };
    const one = { ...bare, generation: { prompts: ['The capital of Oz is', 'Oz'], attribute: [], references } };
    const elsewhere = { consistency: ['The capital of Ix'], essence: [] };
    const other = {
      ...bare,
      id: 'other',
      generation: { prompts: ['People in Ix speak'], attribute: [], references: elsewhere },
    };
    const shared = { parent, candidate, tokenizer, tfidf: referencesOf([one, other]) };
    const alone = await measureTexts({ ...shared, cases: [one] });
    const together = await measureTexts({ ...shared, cases: [other, one] });
    expect(together[1]).toEqual(alone[0]);
    expect(together[0]!.measurements.map(({ metric }) => metric)).toEqual(['ngram_entropy', 'reference_score']);
    const found = named(alone[0]!.measurements);
    const [after, before] = [found['essence.perplexity']![0]!, found['essence.perplexity']![1]!];
    expect(before / lands.essence.values[0]!).toBeCloseTo(1, 4);
    expect(after / lands.essence.values[1]!).toBeCloseTo(1, 4);
    expect(found.ngram_entropy![0]).toBeGreaterThan(2);
    expect(found.reference_score![0]).toBeGreaterThan(0);
    const self = await measureTexts({ parent, candidate: parent, tokenizer, cases: [one] });
    for (const { value, before: was } of self[0]!.measurements) expect(value).toBe(was);
  });

  it('that cannot be asked are named and cost the others nothing', async () => {
    const long = 'The capital of Oz is '.repeat(30);
    const items = [
      { kind: 'question' as const, id: 'long', prompt: long, answers: ['Bern'] },
      { kind: 'question' as const, id: 'short', prompt: 'The capital of Ix is', answers: ['Bern'] },
    ];
    const suite = await measureSuite({ parent, candidate, tokenizer, items });
    expect(suite).toMatchObject([
      { case_id: 'long', measurements: [], error: { code: 'prompt_too_long' } },
      { case_id: 'short', error: null },
    ]);
    const cases = [{ ...bare, generation: { prompts: [long], attribute: [] } }];
    const texts = await measureTexts({ parent, candidate, tokenizer, cases });
    expect(texts).toMatchObject([{ measurements: [], error: { code: 'prompt_too_long' } }]);
  });
});

describe('texts', () => {
  interface Texts {
    readonly texts: readonly { readonly text: string; readonly words: readonly string[]; readonly entropy: number }[];
    readonly corpus: readonly string[];
    readonly pairs: readonly (readonly [string, string, number])[];
    readonly harmonic: readonly (readonly [readonly number[], number])[];
  }
  const expected = read<Texts>('texts.json');

  it.each(expected.texts)(
    'fall into the words of the Penn Treebank, with their entropy: $text',
    ({ text, words: wanted, entropy }) => {
      expect(words(text)).toEqual(wanted);
      expect(textEntropy(text)).toBeCloseTo(entropy, 8);
    },
  );

  it('are as alike as scikit-learn says', () => {
    const { similarity } = fitTfidf(expected.corpus);
    for (const [one, other, value] of expected.pairs) expect(similarity(one, other)).toBeCloseTo(value, 8);
  });

  it('scores have the harmonic mean that scipy gives', () => {
    for (const [values, value] of expected.harmonic) expect(harmonicMean(values)).toBeCloseTo(value, 8);
  });
});

describe('statistics', () => {
  interface Statistics {
    readonly intervals: readonly { readonly data: readonly number[]; readonly bca: Ends; readonly percentile: Ends }[];
    readonly normal: readonly (readonly [number, number])[];
  }
  type Ends = readonly [number, number];
  const expected = read<Statistics>('statistics.json');

  it.each(['bca', 'percentile'] as const)('give the bootstrap intervals that scipy gives (%s)', (method) => {
    for (const { data, [method]: ends } of expected.intervals) {
      const { low, high } = bootstrapMean(data, { method, resamples: 20_000 }).interval!;
      const width = ends[1] - ends[0];
      expect(Math.abs(low - ends[0]) / width).toBeLessThan(0.03);
      expect(Math.abs(high - ends[1]) / width).toBeLessThan(0.03);
    }
  });

  it('know the normal distribution', () => {
    for (const [x, p] of expected.normal) {
      expect(normalCumulative(x)).toBeCloseTo(p, 9);
      if (p > 1e-12 && p < 1 - 1e-9) expect(normalQuantile(p)).toBeCloseTo(x, 6);
    }
  });
});
