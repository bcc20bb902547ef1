// Causal traces as artefacts: what is told of them, what a broken-off build goes on from, and what is refused.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { tracingSummarySchema } from '../../locate/told.ts';
import { tinyGpt2, tinyModel } from '../../tiny-model.fixture.ts';
import { openArtefacts } from '../artefacts.ts';
import { firstBuilt } from '../first-built.fixture.ts';
import { memoryArtefactStore } from '../store.ts';
import { builder } from './build.ts';
import { causalTraceNeed } from './request.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-causal-trace-'));
afterAll(() => rmSync(folder, { recursive: true }));

const model = tinyModel(tinyGpt2, 5);
const view = model.view();
const tokenizer = model.tokenizer!;
const prompts = ['now anna lives in', 'then anna lives in', 'anna is in', 'so anna of'];
const said = await Promise.all(
  prompts.map(async (prompt) => {
    const [logits] = await view.nextLogits([[...tokenizer.prefixIds, ...tokenizer.encode(prompt)]]);
    return tokenizer.decodeContinuation([logits!.indexOf(Math.max(...logits!))]).trim();
  }),
);
const edits = prompts.map((prompt, i) => ({
  ...{ custom_id: `${i}`, prompt, subject: 'anna', join: 'none' },
  ...{ target_new: 'rome', target_true: said[i]! },
}));
const facts = join(folder, 'facts.jsonl');
writeFileSync(facts, edits.map((edit) => `${JSON.stringify(edit)}\n`).join(''));

function build(data: string, { store = memoryArtefactStore(), stopAt = Infinity } = {}) {
  const stop = new AbortController();
  const steps: number[] = [];
  const input = {
    ...{ model, digest: model.digest!, corpus: undefined, brought: async () => undefined },
    request: { data, limit: 2, runs: 2, window: 1 },
  };
  const built = builder.build([causalTraceNeed], input, {
    parents: openArtefacts(model.digest!, []),
    checkpoint: { read: () => store.get('build'), write: (bytes) => store.put('build', bytes) },
    signal: stop.signal,
    onProgress: ({ done }) => {
      steps.push(done);
      if (done >= stopAt) stop.abort(new Error('broken off'));
    },
  });
  return { built: firstBuilt(built), steps };
}

it('are of the answers before a correction, tell where these come back, and trace no fact twice', async () => {
  const whole = build(facts);
  const { bytes, details } = await whole.built;
  const traces = builder.decode(bytes, { model: model.digest!, scope: 'model' });
  expect(traces.length).toBe(2);
  const summary = tracingSummarySchema.parse(details);
  expect(summary).toMatchObject({ facts: 2, runs: 2, noise: 3, window: 1 });
  expect(summary.clean).toBeCloseTo((traces[0]!.clean + traces[1]!.clean) / 2, 12);
  expect(summary.effects.mlp_out['last subject token']).toHaveLength(model.spec.layers);

  const [store, half] = [memoryArtefactStore(), whole.steps.length / 2];
  await expect(build(facts, { store, stopAt: half + 1 }).built).rejects.toThrow('broken off');
  const resumed = build(facts, { store });
  expect((await resumed.built).bytes).toEqual(bytes);
  expect(resumed.steps[0]).toBe(half + 1);
});

it('are none of facts that the model does not know, of no edits and of no file', async () => {
  const refused = (data: string) => build(data).built;
  const wrong = join(folder, 'wrong.jsonl');
  writeFileSync(wrong, `${JSON.stringify({ ...edits[0], target_true: 'zzz' })}\n`);
  await expect(refused(wrong)).rejects.toThrow('the model gives the answer of none of 1 facts');
  writeFileSync(wrong, '{"custom_id": "a"}\n');
  await expect(refused(wrong)).rejects.toMatchObject({
    code: 'invalid_edits',
    message: expect.stringContaining('line 1'),
  });
  await expect(refused(folder)).rejects.toMatchObject({ code: 'invalid_edits' });
});
