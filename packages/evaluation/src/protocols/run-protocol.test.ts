// Protocols on a real tiny model: what is tested when, and what a killed run becomes.
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Edit, editSchema, type ProtocolInput, protocolSchema } from '@errata/contracts';
import { openArtefacts } from '@errata/editors';
import { resolveConfig } from '@errata/editors/catalogue';
import { loadCheckpoint, type Model, openModel } from '@errata/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyCorpus, writeTinyModel } from '../../../../test/support/tiny-model.ts';
import { type ProtocolRun, runProtocol, summariseRun } from '../index.ts';

let model: Model;
const removals: (() => void)[] = [];

beforeAll(async () => {
  const tiny = await writeTinyModel();
  const checkpoint = await loadCheckpoint(tiny.path);
  model = openModel(checkpoint);
  checkpoint.close();
  removals.push(tiny.remove);
});

afterAll(async () => {
  await model.release();
  for (const remove of removals) remove();
});

const edits = ['Oz', 'Ix', 'Ur', 'Ys', 'Xi'].map((subject, index) =>
  editSchema.parse({
    custom_id: subject,
    prompt: `The capital of ${subject} is`,
    subject,
    target_new: 'RBPOK'[index],
    rephrases: [`${subject} has the capital`],
    locality: { neighbourhood: [{ prompt: `The king of ${subject} is` }] },
  }),
);

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'errata-run-'));
  removals.push(() => rmSync(path, { recursive: true, force: true }));
  return join(path, 'run');
};

function editor(name: 'ft-m' | 'grace', overrides: Record<string, unknown> = {}) {
  const shape = { model_type: 'gpt2', layers: model.spec.layers, width: model.spec.width };
  const config = resolveConfig(name, shape, undefined, overrides);
  return { name, config, artefacts: openArtefacts(model.digest!, []) };
}

const casesOf = (list: readonly Edit[]) => list.map((edit) => ({ id: edit.custom_id, edits: [edit] }));

const input = (protocol: ProtocolInput, fields: Partial<ProtocolRun> = {}): ProtocolRun => ({
  model,
  tokenizer: model.tokenizer!,
  editor: editor('ft-m', { epochs: 6, learning_rate: 0.01 }),
  cases: casesOf(edits),
  protocol: protocolSchema.parse(protocol),
  seed: 3,
  ...fields,
});

/** Runs to the end and sums up. */
async function finish(run: ProtocolRun, directory = folder(), resume = false) {
  await runProtocol(directory, run, { resume });
  const summary = await summariseRun(directory);
  const mean = (metric: string, moment = summary.places.at(-1)!.moment) =>
    summary.means.filter((each) => each.metric === metric && each.moment === moment).at(-1)!;
  return { ...summary, mean };
}

describe('protocols', () => {
  it('single tests each edit on a model that has no other', async () => {
    const alone = await finish(input({ kind: 'single' }));
    expect(alone.places).toEqual([{ moment: 'once', edits: 1, cases: 5, failed: 0 }]);
    const value = async (cases: readonly Edit[]) =>
      (await finish(input({ kind: 'single' }, { cases: casesOf(cases) }))).mean('reliability.token').value.value;
    const [first, second] = [await value(edits.slice(0, 1)), await value(edits.slice(1, 2))];
    expect(await value(edits.slice(0, 2))).toBe((first + second) / 2);
  });

  it('batch tests each batch on a model that has no other, the last one being smaller', async () => {
    const { places, cost, mean } = await finish(input({ kind: 'batch', size: 2 }));
    expect(places).toEqual([{ moment: 'end', edits: 2, cases: 5, failed: 0 }]);
    expect(mean('reliability.token').cases).toBe(5);
    expect(cost).toMatchObject({ edits: 5, answers: expect.any(Number) });
    expect(cost.stored_bytes).toBeGreaterThan(0);
  });

  it.each([
    [{ kind: 'single' }, 'once', 5],
    [{ kind: 'batch', size: 2 }, 'end', 3],
    [{ kind: 'batch', size: 5 }, 'end', 1],
  ] as const)('%o measures each version as a whole', async (protocol, moment, versions) => {
    const asked = (id: string) => ({ kind: 'question' as const, id, prompt: `The ${id} is`, answers: ['X'] });
    const questions = [asked('king'), asked('queen')];
    const { mean } = await finish(input(protocol, { heldText: tinyCorpus(), questions }));
    const perplexity = mean('perplexity', moment);
    expect(perplexity.before!.value).not.toBe(perplexity.value.value);
    expect([perplexity.cases, mean('accuracy.exact', moment).probes]).toEqual([versions, 2 * versions]);
    // Of one version alone, its questions are the cases; of several, they are.
    expect(mean('accuracy.exact', moment).cases).toBe(versions === 1 ? 2 : versions);
  });

  it('lifelong tests at once, at checkpoints and at the end', async () => {
    const { places, mean } = await finish(input({ kind: 'lifelong' }, { heldText: tinyCorpus() }));
    expect(places.map(({ moment, edits: n, cases }) => [moment, n, cases])).toEqual([
      ['once', 5, 5],
      ['curve', 1, 1],
      ['curve', 2, 2],
      ['end', 5, 5],
    ]);
    expect(mean('perplexity').value.value).toBeGreaterThan(1);
    expect(mean('perplexity').before!.value).not.toBe(mean('perplexity').value.value);
    expect(mean('locality.token').before).toBeNull();
    // Right after its edit a model is held against the one before it, and against the base.
    expect(mean('locality_base.token', 'once').cases).toBe(5);
  });

  it('ask all that cases of a data set ask, but write texts for some, and in a stream only of all edits', async () => {
    const answer = { value: 'R', aliases: [] };
    const hops = [{ question: 'What is the capital?', cloze: 'The capital of Oz is', answer }];
    const cases = casesOf(edits.slice(0, 3)).map((each) => ({
      ...each,
      generation: { prompts: [`${each.id} is`, `People in ${each.id}`], attribute: [] },
      multiHop: { questions: ['Where?'], before: answer, after: answer, hops: { before: hops, after: hops } },
    }));
    const long = { kind: 'question' as const, id: 'long', prompt: 'Who is '.repeat(60), answers: ['X'] };
    const questions = [{ ...long, id: 'who', prompt: 'The king is' }, long];
    const run = input({ kind: 'lifelong', checkpoints: [3] }, { cases, writers: 2, questions });
    const { means, run_metrics, failures } = await finish(run);
    expect(failures).toMatchObject([{ case_id: 'long question', error: { code: 'prompt_too_long' } }]);
    expect(run_metrics.map(({ metric }) => metric)).toContain('stream.test_retention.token');
    const counts = (metric: string) =>
      means.filter((each) => each.metric === metric).map(({ moment, cases: n, probes }) => [moment, n, probes]);
    expect(counts('multi_hop.instance_wise')).toEqual([
      ['end', 3, 3],
      ['once', 3, 3],
    ]);
    expect(counts('accuracy.exact')).toEqual([['end', 1, 1]]);
    expect(counts('ngram_entropy')).toEqual([['end', 2, 4]]);
  });

  it('lifelong in batches ends at the same model as its edits in one sequence of those batches', async () => {
    const { places } = await finish(input({ kind: 'lifelong', batch: 2, checkpoints: [1, 3] }));
    expect(places.map(({ moment, edits: n }) => [moment, n])).toEqual([
      ['once', 5],
      ['curve', 2],
      ['curve', 4],
      ['end', 5],
    ]);
  });

  it('efficiency costs edits and answers at checkpoints, scores nothing, and resumes', async () => {
    const run = () =>
      input({ kind: 'efficiency', answers: 2, checkpoints: [2, 4] }, { editor: editor('grace', { steps: 3 }) });
    const directory = folder();
    const stop = new AbortController();
    let edited = 0;
    const onProgress = () => {
      if (++edited === 3) stop.abort(new Error('stopped'));
    };
    await expect(runProtocol(directory, run(), { onProgress, signal: stop.signal })).rejects.toThrow('stopped');
    const { efficiency, places, means, cost } = await finish(run(), directory, true);
    expect({ places, means }).toEqual({ places: [], means: [] });
    expect(efficiency.map(({ edits: n }) => n)).toEqual([2, 4, 5]);
    for (const step of efficiency) {
      expect(step.edit_seconds).toBeGreaterThan(0);
      expect(step.answer_seconds).toBeGreaterThan(0);
      expect(step.base_answer_seconds).toBeGreaterThan(0);
    }
    // A codebook is stored whole, so later edits store more.
    expect(efficiency[2]!.stored_bytes).toBeGreaterThan(efficiency[0]!.stored_bytes);
    expect(cost).toMatchObject({ edits: 5, answers: 12 });
  });

  it('without an editor measure the model as it is: locality 1, every delta 0', async () => {
    const { places, mean } = await finish(input({ kind: 'single' }, { editor: null }));
    expect(mean('locality.token').value.value).toBe(1);
    expect(mean('reliability.token').delta).toEqual({ value: 0, interval: { low: 0, high: 0 } });
    expect(places).toEqual([{ moment: 'once', edits: 0, cases: 5, failed: 0 }]);
  });
});

describe('a case that fails', () => {
  const long: Edit = editSchema.parse({
    ...edits[0],
    custom_id: 'long',
    rephrases: [`Oz ${'is '.repeat(60)}`],
  });

  it('is reported and costs the others nothing', async () => {
    for (const protocol of [{ kind: 'single' }, { kind: 'batch', size: 3 }, { kind: 'lifelong' }] as const) {
      const { places, failures, mean, cost } = await finish(
        input(protocol, { cases: casesOf([edits[1]!, long, edits[2]!]) }),
      );
      // It is made, although it cannot be measured.
      expect(cost.edits).toBe(3);
      expect(mean('reliability.token').cases).toBe(2);
      expect(places.reduce((sum, { failed }) => sum + failed, 0)).toBe(failures.length);
      expect(failures[0]).toMatchObject({
        case_id: 'long',
        outcome: 'failed',
        error: { code: 'prompt_too_long' },
        answer_after: null,
      });
    }
  });

  it('because its edit could not be made is still asked about', async () => {
    // No step leaves no delta, which is an error.
    const still = editor('ft-m', { epochs: 1, learning_rate: 1e-30 });
    const { places, failures, mean } = await finish(
      input({ kind: 'single' }, { editor: still, cases: casesOf(edits.slice(0, 2)) }),
    );
    expect(failures.map(({ error }) => error?.code)).toEqual(['zero_delta', 'zero_delta']);
    expect(places[0]).toMatchObject({ cases: 2, failed: 2 });
    expect(mean('locality.token')).toMatchObject({ value: { value: 1 }, cases: 2 });
  });
});

describe('a run that is stopped', () => {
  /** Stops a run at its nth step. */
  async function stopAt(step: number, run: ProtocolRun, directory: string): Promise<void> {
    const stop = new AbortController();
    let steps = 0;
    const onProgress = () => {
      if (++steps === step) stop.abort(new Error('stopped'));
    };
    await expect(runProtocol(directory, run, { onProgress, signal: stop.signal, resume: true })).rejects.toThrow(
      'stopped',
    );
  }

  it.each([
    ['single', 'ft-m'],
    ['lifelong', 'ft-m'],
    ['lifelong', 'grace'],
  ] as const)('goes on to the same results: %s with %s', async (kind, name) => {
    // Texts of several candidates are written together, whichever of them were done before.
    const cases = casesOf(edits).map((each) => ({
      ...each,
      generation: { prompts: [`${each.id} is`], attribute: [] },
    }));
    const run = () =>
      input(
        { kind },
        {
          cases,
          writers: 4,
          editor: name === 'ft-m' ? editor('ft-m', { epochs: 6, learning_rate: 0.01 }) : editor('grace', { steps: 5 }),
          heldText: tinyCorpus(),
        },
      );
    const whole = await finish(run());
    const directory = folder();
    for (const step of [3, 7, 4]) {
      await stopAt(step, run(), directory);
      // What a kill in the midst of a write leaves.
      appendFileSync(join(directory, 'rows.jsonl'), '{"case":{"case_id":"Oz","mom');
    }
    const resumed = await finish(run(), directory, true);
    expect(resumed.results).toBe(whole.results);
    expect(resumed.means).toEqual(whole.means);
    expect(readdirSync(directory).filter((file) => file.startsWith('state-')).length).toBe(kind === 'single' ? 0 : 1);
  });

  it('is not gone on with unless asked, nor as another run', async () => {
    const directory = folder();
    await finish(input({ kind: 'single' }), directory);
    await expect(finish(input({ kind: 'single' }), directory)).rejects.toMatchObject({ code: 'output_exists' });
    const before = readFileSync(join(directory, 'rows.jsonl'), 'utf8');
    const other = input({ kind: 'single' }, { seed: 4, editor: editor('ft-m', { epochs: 7, learning_rate: 0.01 }) });
    await expect(finish(other, directory, true)).rejects.toMatchObject({
      code: 'run_mismatch',
      message: expect.stringContaining('config.epochs was 6, is 7; seed was 3, is 4'),
    });
    expect(readFileSync(join(directory, 'rows.jsonl'), 'utf8')).toBe(before);
    const again = await finish(input({ kind: 'single' }), directory, true);
    expect(readFileSync(join(directory, 'rows.jsonl'), 'utf8')).toBe(before);
    expect(again.places[0]!.cases).toBe(5);
  });

  it('does not write into a directory that holds something else', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'errata-run-'));
    removals.push(() => rmSync(directory, { recursive: true, force: true }));
    writeFileSync(join(directory, 'letter.txt'), 'dear');
    await expect(finish(input({ kind: 'single' }), directory, true)).rejects.toMatchObject({ code: 'output_exists' });
    expect(readdirSync(directory)).toEqual(['letter.txt']);
  });
});
