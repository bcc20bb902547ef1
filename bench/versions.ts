// Milliseconds to serve another version, by how many edits are behind it, with and without snapshots, against reloading the checkpoint; GPT-2 small's shape.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDiskStore } from '@errata/blobs';
import type { VersionSource } from '@errata/contracts';
import { type ModelReference, startEngine } from '@errata/engine';
import { getModel, type NewSnapshot, readChain, sourceAt } from '@errata/lineage';
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
import { makeSnapshots } from '@errata/upkeep';
import { commitMadeEdit, hold, importMadeModel } from '../test/support/history.ts';
import { gpt2Small } from './gpt2-small.ts';
import { openBenchDatabase } from './history.ts';
import { median } from './median.ts';

const layer = 4;
const depths = [1, 10, 100, 1000];
const repeats = 5;
/** What a version with all edits behind it may take, in times of one with ten. */
const bar = 2;
/** Heads one after another, of which the slowest counts: how many deltas follow the last snapshot is up to chance. */
const headsInRow = 16;
const prompt = 'The capital of France is';
/** MiB for what versions have of their own: eight of them, of one matrix each. */
const versionsMb = 80;
/** One more: opening as many others makes the engine forget. */
const forgetting = 9;

/** Uniform numbers: equal weights would be shared by the runtime and flatter the figures. */
function noise(stream: number, size: number, spread: number): Float32Array {
  const next = uniform(31, stream);
  return Float32Array.from({ length: size }, () => spread * (2 * next() - 1));
}

function rankOne(stream: number): Delta {
  const spec = decoderSpec(gpt2Small);
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

/** @param args edits behind the deepest version, 1,000 unless given */
export async function main(args: readonly string[]): Promise<void> {
  const deepest = Number(args[0] ?? 1000);
  const folder = await mkdtemp(join(tmpdir(), 'errata-bench-'));
  const database = await openBenchDatabase();
  const { db } = database;
  const engine = startEngine({ blobsDir: join(folder, 'blobs'), memoryMb: 8192, versionsMb });
  try {
    const spec = decoderSpec(gpt2Small);
    const tensors = new Map<string, WritableTensor>();
    for (const [index, [name, dims]] of [...spec.parameters].entries()) {
      const size = dims.reduce((a, b) => a * b, 1);
      tensors.set(name, { shape: [...dims], data: noise(1000 + index, size, 0.05) });
    }
    const directory = join(folder, 'model');
    await writeCheckpoint(directory, { config: gpt2Small, tensors, files: byteTokenizer() });
    const checkpointBytes = (await stat(join(directory, 'model.safetensors'))).size;

    const reloads = await several(repeats, () =>
      timed(async () => {
        const checkpoint = await loadCheckpoint(directory);
        const model = openModel(checkpoint);
        await model.view([]).nextLogits([Array.from({ length: 10 }, (_, i) => (i * 7919) % gpt2Small.vocab_size)]);
        await model.release();
        checkpoint.close();
      }),
    );

    // The history, as workers make it: each edit committed, then the head stored whole if that pays.
    const { digest, files } = await engine.call('importModel', { path: directory });
    const model: ModelReference = { digest, files };
    const store = await openDiskStore(join(folder, 'blobs'));
    const branch = await importMadeModel(db, 'bench', { digest });
    const storedModel = await getModel(db, branch.model);
    const lease = await hold(db, branch.lane);
    const stored: NewSnapshot[] = [];
    const snapshots = makeSnapshots({
      lineage: db,
      fold: (_, source) => engine.call('snapshot', { model, source }),
      onStored: (snapshot) => stored.push(snapshot),
      onFailure: (error) => {
        throw error;
      },
    });
    const put = async (stream: number) => {
      const delta = await store.put(encodeDelta(rankOne(stream)));
      return { kind: 'low_rank', blob: delta.sha256, bytes: delta.size } as const;
    };

    const logits = (version: VersionSource) => engine.call('logits', { model, version, prompt });
    const others: VersionSource[] = [];
    for (let n = 1; n <= forgetting; n++) {
      const { kind, blob } = await put(-n);
      others.push({ model: digest, deltas: [{ kind, blob }] });
    }
    const openAnew = async (source: () => Promise<VersionSource>): Promise<number> => {
      for (const other of others) await logits(other);
      return timed(async () => logits(await source()));
    };
    const described = ({ snapshot, deltas }: VersionSource) =>
      `${snapshot === undefined ? 'the model' : 'a snapshot'} and ${deltas.length} deltas`;

    const rows: string[] = [];
    const heads = new Map<number, number>();
    let deltaBytes = 0;
    for (let n = 1; n < deepest + headsInRow; n++) {
      const { kind, blob, bytes } = await put(n);
      deltaBytes = bytes;
      await commitMadeEdit(db, branch, lease, { kind, blob });
      snapshots.moved(branch.branch);
      await snapshots.settled();
      const isDepth = depths.includes(n) || n === deepest;
      if (!isDepth && n < deepest) continue;
      const { tipId } = await db.prisma.branch.findUniqueOrThrow({ where: { id: branch.branch } });
      const ms = median(await several(repeats, () => openAnew(() => sourceAt(db, digest, tipId))));
      heads.set(n, ms);
      if (!isDepth) continue;
      const deltas = (await readChain(db, tipId)).flatMap((link) => link.deltas);
      const without = await several(n > 100 ? 1 : repeats, () => openAnew(async () => ({ model: digest, deltas })));
      const from = described(await sourceAt(db, digest, tipId));
      rows.push(
        `| ${n} | ${ms.toFixed(0)} ms | ${from} | ${median(without).toFixed(0)} ms | ${(median(reloads) / ms).toFixed(0)} x |`,
      );
    }
    const kept = await db.prisma.snapshot.count();

    const { tipId } = await db.prisma.branch.findUniqueOrThrow({ where: { id: branch.branch } });
    const last = await sourceAt(db, digest, tipId);
    await logits(last);
    const warm = await several(repeats, () => timed(() => logits(last)));
    const [ten, slowest] = [heads.get(10)!, Math.max(...[...heads].filter(([n]) => n >= deepest).map(([, ms]) => ms))];

    // A version of the past, far from every snapshot that the branch left behind; whoever opens it has it stored whole.
    const past = Math.round(0.4 * deepest);
    const tip = (await readChain(db, tipId))[past - 1]!.id;
    const firstSource = await sourceAt(db, digest, tip);
    const firstMs = await openAnew(async () => firstSource);
    snapshots.opened(storedModel, firstSource);
    await snapshots.settled();
    const again = median(await several(repeats, () => openAnew(() => sourceAt(db, digest, tip))));
    const againFrom = described(await sourceAt(db, digest, tip));

    const snapshotBytes = median(stored.map(({ bytes }) => bytes));
    const measured = stored.at(-1) ?? { replay_ms: 0, load_ms: 0 };
    const verdict = slowest <= bar * ten ? 'kept' : 'not kept';
    console.log(`To the first logits of a version that the engine does not hold, of a model that it does: found in the database, its blobs
verified. Heads of a branch, when they were. Median of ${repeats}. The same version again takes ${median(warm).toFixed(0)} ms; reloading the full
checkpoint ${median(reloads).toFixed(0)} ms.

| edits behind the version | time | opened from | without snapshots | faster than a reload |
|---|---|---|---|---|
${rows.join('\n')}

${deepest} edits behind against 10: ${(heads.get(deepest)! / ten).toFixed(2)} x; the slowest of the ${headsInRow} heads from ${deepest} on (${slowest.toFixed(0)} ms): ${(slowest / ten).toFixed(2)} x.
Bar, at most ${bar} x: ${verdict}.
Version ${past} of a branch at ${deepest + headsInRow - 1}: ${firstMs.toFixed(0)} ms when it is first opened (${described(firstSource)}), ${again.toFixed(0)} ms from then on (${againFrom}): ${(again / ten).toFixed(2)} x of one with 10.

${stored.length} snapshots of ${snapshotBytes} bytes were written; ${kept} were left after thinning: ${Math.round((kept * snapshotBytes) / deepest)} bytes an edit.
The last paid because replaying took ${measured.replay_ms.toFixed(0)} ms and loading was expected to take ${measured.load_ms.toFixed(0)} ms.
${deltaBytes} bytes an edit (rank one); the checkpoint has ${checkpointBytes}: ${(checkpointBytes / deltaBytes).toFixed(0)} times as many.`);
  } finally {
    await engine.stop();
    await database.close();
    await rm(folder, { recursive: true, force: true });
  }
}
