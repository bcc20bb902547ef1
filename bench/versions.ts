// Milliseconds to serve another version against reloading the full checkpoint, with and without snapshots, and bytes an edit, on GPT-2 small's shape.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDiskStore } from '@errata/blobs';
import type { VersionSource } from '@errata/contracts';
import { type ModelReference, startEngine } from '@errata/engine';
import { groundAt, readChain, recordSnapshot, sourceAt } from '@errata/lineage';
import {
  type Delta,
  decoderSpec,
  encodeDelta,
  loadCheckpoint,
  openModel,
  uniform,
  valueMatrix,
  type WritableTensor,
  writeCheckpoint,
} from '@errata/models';
import { commitMadeEdit, hold, importMadeModel } from '../test/support/history.ts';
import { openBenchDatabase } from './history.ts';
import { median } from './median.ts';

const config = { model_type: 'gpt2', vocab_size: 50257, n_positions: 1024, n_embd: 768, n_layer: 12, n_head: 12 };
const layer = 4;
const depths = [1, 10, 100, 1000] as const;
const repeats = 5;
const prompt = 'The capital of France is';
/** Versions that an engine keeps, and one more: opening as many others makes it forget. */
const forgetting = 9;

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

async function several(count: number, action: () => Promise<number>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) times.push(await action());
  return times;
}

/** A tokenizer of bytes, for the prompt's sake. */
function byteTokenizer(): Map<string, string> {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let unprintable = 0;
  const vocabulary = Object.fromEntries(
    Array.from({ length: 256 }, (_, byte) => [
      String.fromCodePoint(printable(byte) ? byte : 256 + unprintable++),
      byte,
    ]),
  );
  return new Map([
    ['vocab.json', JSON.stringify({ ...vocabulary, '<|endoftext|>': 256 })],
    ['merges.txt', '#version: 0.2\n'],
  ]);
}

export async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'errata-bench-'));
  const database = await openBenchDatabase();
  const { db } = database;
  const engine = startEngine({ blobsDir: join(folder, 'blobs'), memoryMb: 8192 });
  try {
    const spec = decoderSpec(config);
    const tensors = new Map<string, WritableTensor>();
    for (const [index, [name, dims]] of [...spec.parameters].entries()) {
      const size = dims.reduce((a, b) => a * b, 1);
      tensors.set(name, { shape: [...dims], data: noise(1000 + index, size, 0.05) });
    }
    const directory = join(folder, 'model');
    await writeCheckpoint(directory, { config, tensors, files: byteTokenizer() });
    const checkpointBytes = (await stat(join(directory, 'model.safetensors'))).size;

    const reloads = await several(repeats, () =>
      timed(async () => {
        const checkpoint = await loadCheckpoint(directory);
        const model = openModel(checkpoint);
        await model.view([]).nextLogits([Array.from({ length: 10 }, (_, i) => (i * 7919) % config.vocab_size)]);
        await model.release();
        checkpoint.close();
      }),
    );

    // The history, as workers make it: each edit committed, then the head stored whole if that pays.
    const { digest, files } = await engine.call('importModel', { path: directory });
    const model: ModelReference = { digest, files };
    const store = await openDiskStore(join(folder, 'blobs'));
    const branch = await importMadeModel(db, 'bench', { digest });
    const lease = await hold(db, branch.lane);
    const stored: number[] = [];
    let deltaBytes = 0;
    let measured = { replay_ms: 0, load_ms: 0 };
    for (let n = 1; n <= depths.at(-1)!; n++) {
      const delta = await store.put(encodeDelta(rankOne(n)));
      deltaBytes = delta.size;
      await commitMadeEdit(db, branch, lease, { kind: 'low_rank', blob: delta.sha256 });
      const { tipId } = await db.prisma.branch.findUniqueOrThrow({ where: { id: branch.branch } });
      const { source } = await groundAt(db, digest, tipId);
      const { stored: snapshot, ...times } = await engine.call('snapshot', { model, source });
      if (snapshot === null) continue;
      await recordSnapshot(db, { model_id: branch.model, tip: tipId!, ...snapshot, ...times });
      stored.push(snapshot.bytes);
      measured = times;
    }
    const kept = await db.prisma.snapshot.count();

    const head = await db.prisma.branch.findUniqueOrThrow({ where: { id: branch.branch } });
    const chain = await readChain(db, head.tipId);
    const logits = (manifest: VersionSource) => engine.call('logits', { model, manifest, prompt });
    const forget = async () => {
      for (const { deltas } of chain.slice(20, 20 + forgetting)) await logits({ model: digest, deltas });
    };
    const rows: string[] = [];
    for (const depth of depths) {
      const tip = chain[depth - 1]!.id;
      const whole: VersionSource = { model: digest, deltas: chain.slice(0, depth).flatMap(({ deltas }) => deltas) };
      const withSnapshots = await several(repeats, async () => {
        await forget();
        return timed(async () => logits(await sourceAt(db, digest, tip)));
      });
      const without = await several(depth > 100 ? 1 : repeats, async () => {
        await forget();
        return timed(() => logits(whole));
      });
      const source = await sourceAt(db, digest, tip);
      const from = source.snapshot === undefined ? 'the model' : 'a snapshot';
      const ms = median(withSnapshots);
      rows.push(
        `| ${depth} | ${ms.toFixed(0)} ms | ${from} and ${source.deltas.length} deltas | ${median(without).toFixed(0)} ms | ${(median(reloads) / ms).toFixed(0)} x |`,
      );
    }
    const last = await sourceAt(db, digest, head.tipId);
    await logits(last);
    const warm = await several(repeats, () => timed(() => logits(last)));

    const snapshotBytes = median(stored);
    console.log(`To the first logits of a version that the engine does not hold, of a model that it does: found in the database, its blobs
verified. Median of ${repeats}. The same version again takes ${median(warm).toFixed(0)} ms; reloading the full checkpoint ${median(reloads).toFixed(0)} ms.

| edits behind the version | time | opened from | without snapshots | faster than a reload |
|---|---|---|---|---|
${rows.join('\n')}

${stored.length} snapshots of ${snapshotBytes} bytes were written; ${kept} are left after thinning: ${Math.round((kept * snapshotBytes) / depths.at(-1)!)} bytes an edit.
The last paid because replaying took ${measured.replay_ms.toFixed(0)} ms and loading was expected to take ${measured.load_ms.toFixed(0)} ms.
${deltaBytes} bytes an edit (rank one); the checkpoint has ${checkpointBytes}: ${(checkpointBytes / deltaBytes).toFixed(0)} times as many.`);
  } finally {
    await engine.stop();
    await database.close();
    await rm(folder, { recursive: true, force: true });
  }
}
