// What an edit of GRACE costs as the codebook grows: seconds and stored bytes behind 10, 100 and 1,000 edits of the shipped model.
import { parseArgs } from 'node:util';
import { atlasDirectory, buildWorld, drawEdits } from '@errata/atlas';
import { type EditRequest, edit, openArtefacts } from '@errata/editors';
import { resolveConfig } from '@errata/editors/catalogue';
import { decodeDelta, encodeDelta, loadCheckpoint, memoryKindOf, openModel, type View } from '@errata/models';
import { median } from './median.ts';

/** Edits over which an edit's cost is taken, before each of the sizes; as many come first, for everything to be compiled. */
const window = 10;

/** Every value takes as many steps. */
const settings = { steps: 20, stop_loss: 0 };

const rowsOf = ({ memories }: View): number =>
  [...memories.values()].reduce((sum, memory) => sum + memoryKindOf(memory).rows(memory).length, 0);

/** Edits one by one, each made on the version that the one before it left, put into bytes, and installed from them. */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { model: { type: 'string', default: atlasDirectory }, sizes: { type: 'string', default: '10,100,1000' } },
  });
  const sizes = values.sizes.split(',').map(Number);
  const checkpoint = await loadCheckpoint(values.model);
  const model = openModel(checkpoint);
  const { family, layers, width } = model.spec;
  const config = resolveConfig('grace', { model_type: family, layers, width }, undefined, settings);
  const artefacts = openArtefacts(checkpoint.digest, []);
  const edits = drawEdits(buildWorld(), Math.max(...sizes), 1).map(({ edit: one }) => one);
  const seconds: number[] = [];
  const bytes: number[] = [];
  let view = model.view();
  const next = async (one: EditRequest) => {
    const start = performance.now();
    const { deltas } = await edit('grace', { model, view, edits: [one], config, artefacts, seed: 0 }, {});
    const stored = deltas.map(({ delta }) => encodeDelta(delta));
    view = view.with(stored.map((each) => decodeDelta(each)));
    seconds.push((performance.now() - start) / 1000);
    bytes.push(stored.reduce((sum, { byteLength }) => sum + byteLength, 0));
  };
  for (const one of edits.slice(0, window)) await next(one);
  for (const list of [seconds, bytes]) list.length = 0;
  view = model.view();
  let first: number | undefined;
  console.log('edits       rows   s/edit  ratio   bytes/edit   stored bytes');
  for (const [index, one] of edits.entries()) {
    await next(one);
    if (!sizes.includes(index + 1)) continue;
    const each = median(seconds.slice(-window));
    first ??= each;
    const cells = [
      `${index + 1}`.padEnd(6),
      `${rowsOf(view)}`.padStart(9),
      each.toFixed(3).padStart(8),
      (each / first).toFixed(2).padStart(6),
      Math.round(median(bytes.slice(-window)))
        .toLocaleString('en')
        .padStart(12),
      bytes
        .reduce((a, b) => a + b, 0)
        .toLocaleString('en')
        .padStart(14),
    ];
    console.log(cells.join(' '));
  }
  await model.release();
}
