// Milliseconds to serve another version against reloading the full checkpoint, and bytes an edit against the checkpoint, on GPT-2 small's shape.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDiskStore } from '@errata/blobs';
import {
  type Delta,
  decodeDelta,
  decoderSpec,
  encodeDelta,
  loadCheckpoint,
  openModel,
  uniform,
  valueMatrix,
  type WritableTensor,
  writeCheckpoint,
} from '@errata/models';
import { median } from './median.ts';

const config = { model_type: 'gpt2', vocab_size: 50257, n_positions: 1024, n_embd: 768, n_layer: 12, n_head: 12 };
const layer = 4;
const depths = [1, 10, 100] as const;
const repeats = 5;
const prompt = Array.from({ length: 10 }, (_, i) => (i * 7919) % config.vocab_size);

/** Uniform numbers: equal weights would be shared by the runtime and flatter the figures. */
function noise(stream: number, size: number, spread: number): Float32Array {
  const next = uniform(31, stream);
  return Float32Array.from({ length: size }, () => spread * (2 * next() - 1));
}

function rankOne(stream: number): Delta {
  const spec = decoderSpec(config);
  return {
    kind: 'low_rank',
    tensor: valueMatrix(spec, layer).weight,
    rank: 1,
    left: noise(2 * stream, spec.mlpWidth, 0.02),
    right: noise(2 * stream + 1, spec.width, 0.02),
  };
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await action();
  return performance.now() - begun;
}

export async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'errata-bench-'));
  try {
    const spec = decoderSpec(config);
    const tensors = new Map<string, WritableTensor>();
    for (const [index, [name, dims]] of [...spec.parameters].entries()) {
      tensors.set(name, {
        shape: [...dims],
        data: noise(
          1000 + index,
          dims.reduce((a, b) => a * b, 1),
          0.05,
        ),
      });
    }
    const directory = join(folder, 'model');
    await writeCheckpoint(directory, { config, tensors });
    const checkpointBytes = (await stat(join(directory, 'model.safetensors'))).size;

    const store = await openDiskStore(join(folder, 'blobs'));
    const blobs = await Promise.all(
      Array.from({ length: Math.max(...depths) }, (_, i) => store.put(encodeDelta(rankOne(i)))),
    );
    const open = async () => {
      const checkpoint = await loadCheckpoint(directory);
      return { checkpoint, model: openModel(checkpoint) };
    };

    const reloads: number[] = [];
    for (let i = 0; i < repeats; i++) {
      reloads.push(
        await timed(async () => {
          const { checkpoint, model } = await open();
          await model.view([]).nextLogits([prompt]);
          await model.release();
          checkpoint.close();
        }),
      );
    }

    const { checkpoint, model } = await open();
    await model.view([]).nextLogits([prompt]);
    const same = model.view([]);
    const warm: number[] = [];
    for (let i = 0; i < repeats; i++) warm.push(await timed(() => same.nextLogits([prompt])));
    const rows: string[] = [];
    for (const depth of depths) {
      const switches: number[] = [];
      for (let i = 0; i < repeats; i++) {
        switches.push(
          await timed(async () => {
            const deltas = await Promise.all(
              blobs.slice(0, depth).map(async ({ sha256 }) => decodeDelta(await store.get(sha256))),
            );
            await model.view(deltas).nextLogits([prompt]);
          }),
        );
      }
      const ms = median(switches);
      rows.push(`| ${depth} | ${ms.toFixed(0)} ms | ${(median(reloads) / ms).toFixed(0)} x |`);
    }
    checkpoint.close();
    await model.release();

    const bytes = median(blobs.map(({ size }) => size));
    console.log(`To the first logits of a version, from its blobs (verified) on a loaded model; median of ${repeats}.
The same version again takes ${median(warm).toFixed(0)} ms; reloading the full checkpoint ${median(reloads).toFixed(0)} ms.

| edits behind the version | another version | faster than a reload |
|---|---|---|
${rows.join('\n')}

${bytes} bytes an edit (rank one); the checkpoint has ${checkpointBytes}: ${(checkpointBytes / bytes).toFixed(0)} times as many.`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
