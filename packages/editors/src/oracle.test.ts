// Every editor against a transcription of it in plain PyTorch (test/oracles/editors): what it changes, on tiny checkpoints.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ArtefactNeed, layerOfScope } from '@errata/contracts';
import { lowerOf, matrix } from '@errata/graph';
import { clustersOf, denseOf, loadCheckpoint, openModel, openSafetensors, type View } from '@errata/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AlignmentArtefact, builder as alignment } from './artefacts/alignment/build.ts';
import type { ArtefactBuilder, Artefacts } from './artefacts/builder.ts';
import { builder as conditionedTransform } from './artefacts/conditioned-transform/build.ts';
import type { ContextPrefixes } from './artefacts/context-prefixes/context-prefixes.ts';
import { type CounterfactualArtefact, builder as counterfactualModel } from './artefacts/counterfactual-model/build.ts';
import { type Demonstration, demonstrationSchema } from './artefacts/demonstrations/demonstrations.ts';
import { type Eigenbasis, findEigenbasis } from './artefacts/eigenbasis/eigenbasis.ts';
import { builder as gradientTransform } from './artefacts/gradient-transform/build.ts';
import { type KnowledgeEncoderArtefact, builder as knowledgeEncoder } from './artefacts/knowledge-encoder/build.ts';
import { invertMoment, readFloat64, type SecondMoment } from './artefacts/second-moment/second-moment.ts';
import { buildSecondMoments } from './artefacts/second-moment/sums.ts';
import { builder as shiftTransform } from './artefacts/shift-transform/build.ts';
import { describeEditor, type EditorName, editorNames } from './catalogue.ts';
import { edit } from './edit.ts';
import type { EditorDelta, EditorInput } from './editor.ts';
import type { StoredTransform } from './hypernetworks/file.ts';

const folder = fileURLToPath(new URL('./fixtures/oracle/', import.meta.url));

const given = z
  .object({
    prefixes: z.array(z.string()),
    corpus: z.string(),
    demonstrations: z.array(demonstrationSchema),
    edits: z.record(z.string(), z.object({ prompt: z.string(), subject: z.string(), target_new: z.string() })),
  })
  .parse(JSON.parse(readFileSync(join(folder, 'given.json'), 'utf8')));

const casesSchema = z.record(
  z.string(),
  z.object({
    model: z.string(),
    /** Batches that were made before, one upon the other. */
    earlier: z.array(z.array(z.string())).default([]),
    edits: z.array(z.string()),
    config: z.record(z.string(), z.unknown()),
  }),
);

/** A tiny checkpoint, with the second moments and prefixes that its oracle used. */
async function open(name: string) {
  const checkpoint = await loadCheckpoint(join(folder, name));
  const model = openModel(checkpoint);
  const { digest } = checkpoint;
  // Whatever layer is asked for, and whatever prefixes.
  const read = async ({
    kind,
    scope,
  }: ArtefactNeed): Promise<
    | SecondMoment
    | Eigenbasis
    | KnowledgeEncoderArtefact
    | CounterfactualArtefact
    | AlignmentArtefact
    | StoredTransform
    | Pick<ContextPrefixes, 'texts'>
    | readonly Demonstration[]
  > => {
    if (kind === 'context_prefixes') return { texts: given.prefixes };
    if (kind === 'gradient_transform')
      return gradientTransform.decode(readFileSync(join(folder, name, 'gradient-transform.safetensors')), {
        model: name,
        scope,
      });
    if (kind === 'shift_transform')
      return shiftTransform.decode(readFileSync(join(folder, name, 'shift-transform.safetensors')), {
        model: name,
        scope,
      });
    if (kind === 'conditioned_transform')
      return conditionedTransform.decode(readFileSync(join(folder, name, 'conditioned-transform.safetensors')), {
        model: name,
        scope,
      });
    if (kind === 'knowledge_encoder')
      return knowledgeEncoder.decode(readFileSync(join(folder, name, 'knowledge-encoder.safetensors')), {
        model: name,
        scope,
      });
    if (kind === 'alignment')
      return alignment.decode(readFileSync(join(folder, name, 'alignment.safetensors')), { model: name, scope });
    if (kind === 'counterfactual_model')
      return counterfactualModel.decode(readFileSync(join(folder, name, 'counterfactual-model.safetensors')), {
        model: name,
        scope,
      });
    if (kind === 'demonstrations') return given.demonstrations;
    const moments = openSafetensors(join(folder, name, 'moments.safetensors'));
    const layer = layerOfScope(scope)!;
    const source = { model: digest, layer, tokens: 1000, corpus_sha256: '' };
    const size = model.spec.mlpWidth;
    const mean = lowerOf(matrix(size, size, readFloat64(moments, `${layer}`)));
    const moment = await invertMoment(mean, source, { ridge: 0 });
    return kind === 'eigenbasis' ? findEigenbasis(moment) : moment;
  };
  const artefacts: Artefacts = {
    model: digest,
    read: <Value>(_: ArtefactBuilder<Value>, need: ArtefactNeed) => read(need) as Promise<Value>,
  };
  return { model, artefacts };
}

/** What an editor's deltas change of matrices, and the memories that are left, by the names that the oracle gives them. */
function changesOf(before: View, deltas: readonly EditorDelta[]): ReadonlyMap<string, Float32Array> {
  const after = before.with(deltas.map(({ delta }) => delta));
  const changes = new Map<string, Float32Array>();
  for (const { delta } of deltas) {
    if (!('tensor' in delta)) continue;
    const start = before.weight(delta.tensor);
    changes.set(
      delta.tensor,
      after.weight(delta.tensor).map((weight, i) => weight - start[i]!),
    );
  }
  for (const memory of after.memories.values()) {
    if (memory.kind === 'edited_keys') {
      changes.set(`keys of ${memory.tensor}`, memory.keys);
      continue;
    }
    if (memory.kind === 'feature_statistics') {
      changes.set('mean', memory.mean).set('squares', memory.squares);
      continue;
    }
    if (memory.kind === 'prompt_rows') {
      const flat = (arrays: readonly Float32Array[]) => Float32Array.from(arrays.flatMap((array) => [...array]));
      changes.set('representations', flat(memory.rows.map(({ representation }) => representation)));
      changes.set('prompts', flat(memory.rows.map(({ prompts }) => prompts)));
      continue;
    }
    if (memory.kind === 'scoped_rows') {
      changes.set('vectors', Float32Array.from(memory.rows.flatMap(({ vector }) => [...vector])));
      continue;
    }
    if (memory.kind === 'patch_rows') {
      for (const { prompt, vector, patch, numbers } of memory.rows) {
        changes.set(`vector of ${prompt}`, vector);
        const [part] = patch;
        if (part?.kind === 'low_rank') {
          const size = part.in * part.rank;
          changes.set(`patch of ${prompt}`, product(numbers.subarray(0, size), numbers.subarray(size), part.rank));
        } else changes.set(`patch of ${prompt}`, numbers);
      }
      continue;
    }
    if (memory.kind === 'text_rows' || memory.kind === 'aligned_rows') {
      for (const { prompt, text } of memory.rows)
        changes.set(`text of ${prompt}`, Float32Array.from(Buffer.from(text)));
      continue;
    }
    if (memory.kind === 'neurons') {
      const { keys, biases, values } = memory;
      changes.set('keys', keys).set('biases', biases).set('values', values);
      continue;
    }
    if (memory.kind === 'lora_blocks') {
      const clusters = clustersOf(memory);
      const flat = (arrays: readonly Float32Array[]) => Float32Array.from(arrays.flatMap((array) => [...array]));
      changes.set('centres', flat(clusters.map(({ center }) => center)));
      changes.set(
        'radii',
        Float32Array.from(clusters, (cluster) => cluster.radius),
      );
      for (const [i, { factors, rank }] of memory.blocks.entries())
        for (const [target, { a, b }] of factors.entries()) changes.set(`block ${i} ${target}`, product(a, b, rank));
      continue;
    }
    if (memory.kind === 'side_memory') {
      for (const [i, side] of memory.sides.entries())
        changes.set(`change ${i}`, denseOf(side, memory.inSize * memory.outSize));
      changes.set(
        'thresholds',
        Float32Array.from(memory.sides, ({ threshold }) => threshold),
      );
      continue;
    }
    if (memory.kind !== 'codebook') throw new Error(`no oracle for a memory of kind ${memory.kind}`);
    const { keys, values, radii } = memory;
    for (const [part, data] of Object.entries({ keys, values, radii })) changes.set(part, data);
  }
  return changes;
}

/** A B, of A `[in, rank]` and B `[rank, out]`. */
function product(a: Float32Array, b: Float32Array, rank: number): Float32Array {
  const [rows, columns] = [a.length / rank, b.length / rank];
  return Float32Array.from({ length: rows * columns }, (_, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += a[i * rank + r]! * b[r * columns + j]!;
    return sum;
  });
}

/** ||a - b|| / ||b||. */
function relativeDifference(a: Float32Array, b: Float32Array): number {
  let apart = 0;
  let size = 0;
  for (const [i, x] of b.entries()) {
    apart += (a[i]! - x) ** 2;
    size += x ** 2;
  }
  return Math.sqrt(apart / size);
}

/** How far each matrix that an editor changes is from the oracle's. */
async function differencesOf(name: EditorName): Promise<readonly (readonly [string, number])[]> {
  const file = openSafetensors(join(folder, `${name}.safetensors`));
  const cases = casesSchema.parse(JSON.parse(file.metadata.get('cases')!));
  const models = new Map<string, Awaited<ReturnType<typeof open>>>();
  const differences: [string, number][] = [];
  for (const [title, { model: which, earlier, edits, config }] of Object.entries(cases)) {
    const { model, artefacts } = models.get(which) ?? (await open(which));
    models.set(which, { model, artefacts });
    const made = async (view: View, ids: readonly string[]) => {
      const input: EditorInput = {
        model,
        view,
        edits: ids.map((custom_id) => ({ custom_id, ...given.edits[custom_id]! })),
        // The prefixes are given: what would be drawn does not matter.
        config: describeEditor(name).settings.parse(
          'prefixes' in describeEditor(name).settings.shape ? { ...config, prefixes: [[1, 1]] } : config,
        ),
        artefacts,
        seed: 0,
      };
      return (await edit(name, input)).deltas;
    };
    let view = model.view();
    for (const ids of earlier) view = view.with((await made(view, ids)).map(({ delta }) => delta));
    const changes = changesOf(view, await made(view, edits));
    const expected = [...file.tensors.keys()].filter((tensor) => tensor.startsWith(`${title}/`));
    expect(expected.length).toBe(changes.size);
    for (const tensor of expected) {
      const change = changes.get(tensor.slice(title.length + 1))!;
      differences.push([tensor, relativeDifference(change, file.read(tensor))]);
    }
  }
  return differences;
}

const compared = editorNames.flatMap((name) => {
  const { reference } = describeEditor(name);
  return reference === null ? [] : [[name, reference.agreement] as const];
});

describe('second moments', () => {
  let text: string;
  beforeAll(() => {
    text = join(mkdtempSync(join(tmpdir(), 'errata-oracle-')), 'corpus.txt');
    writeFileSync(text, given.corpus);
  });
  afterAll(() => rmSync(dirname(text), { recursive: true }));

  it.each(['gpt2', 'llama'])(
    'of %s are those of the transcription: every token read counts, a mark in front too',
    async (name) => {
      const { model } = await open(name);
      const expected = openSafetensors(join(folder, name, 'moments.safetensors'));
      const layers = [...expected.tensors.keys()].map(Number).sort();
      const built = buildSecondMoments({ model, digest: 'tiny', layers, corpus: text, ridge: 1e-6 });
      let compared = 0;
      for await (const {
        moment: { moment, provenance },
      } of built) {
        const theirs = Float32Array.from(readFloat64(expected, `${provenance.layer}`));
        expect(relativeDifference(Float32Array.from(moment), theirs)).toBeLessThan(1e-5);
        compared++;
      }
      expect(compared).toBe(layers.length);
    },
  );
});

describe('every editor that follows published code has a transcription', () => {
  it.each(compared)('%s changes what it changes, within %f', async (name, agreement) => {
    const differences = await differencesOf(name);
    expect(differences.length).toBeGreaterThan(0);
    for (const [what, difference] of differences) expect(difference, what).toBeLessThan(agreement);
  });

  it('to 1e-4 at least', () => {
    for (const [name, agreement] of compared) expect(agreement, name).toBeLessThanOrEqual(1e-4);
  });
});
