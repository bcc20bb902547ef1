// Extra neurons as neurons of the MLPs themselves: a wider model says what the version says, where its MLPs are such that they can.

import { joinedArrays } from '@errata/graph';
import type { MatrixRef } from '../architectures/blocks/refs.ts';
import { decoderSpec } from '../architectures/index.ts';
import type { DecoderSpec } from '../architectures/spec.ts';
import type { NeuronsDelta } from '../deltas/neurons.ts';
import { type LeavingVersion, refuseExport } from './form.ts';

/** What says in a config how wide the MLPs are, of families whose MLPs are plain and have biases. */
const widthKeys: Readonly<Record<string, string>> = { gpt2: 'n_inner', gptj: 'n_inner', gpt_neox: 'intermediate_size' };

/**
 * The version as a model whose MLPs have its extra neurons, f(q K^T + b) V, among their own. A config knows one width for all layers: those
 * with fewer neurons have some of zeros, which add nothing. A version without neurons is left as it is.
 * @throws ModelError export_unsupported where the MLPs are gated, have no biases or another activation function
 */
export function withWiderMlps(version: LeavingVersion): LeavingVersion {
  const { checkpoint, model, view } = version;
  const neurons = [...view.memories.values()].filter((memory): memory is NeuronsDelta => memory.kind === 'neurons');
  if (neurons.length === 0) return version;
  for (const each of neurons) requireSameKind(model.spec, each);
  const more = Math.max(...neurons.map(({ biases }) => biases.length));
  const config = { ...checkpoint.config, [widthKeys[model.spec.family]!]: model.spec.mlpWidth + more };
  const spec = decoderSpec(config, checkpoint.tensors.names);
  const wider = new Map<string, () => Float32Array>();
  for (const [layer, block] of model.spec.blocks.entries()) {
    const { mlp } = block;
    if (mlp.kind !== 'plain') continue;
    const own = neurons.find((each) => each.layer === layer);
    const filled = (data: Float32Array | undefined, of: number) => {
      const all = new Float32Array(more * of);
      all.set(data ?? []);
      return all;
    };
    const { input, output } = mlp;
    wider.set(input.weight, () => withOutputs(input, view.weight(input.weight), filled(own?.keys, input.inSize)));
    wider.set(input.bias!, () => joinedArrays([view.weight(input.bias!), filled(own?.biases, 1)]));
    wider.set(output.weight, () => withInputs(output, view.weight(output.weight), filled(own?.values, output.outSize)));
  }
  const memories = new Map([...view.memories].filter(([, { kind }]) => kind !== 'neurons'));
  const { tensors } = checkpoint;
  return {
    ...version,
    checkpoint: {
      ...checkpoint,
      config,
      tensors: {
        ...tensors,
        info: (name) =>
          wider.has(name) ? { ...tensors.info(name), shape: spec.parameters.get(name)! } : tensors.info(name),
      },
    },
    model: { ...model, spec },
    view: { ...view, spec, memories, weight: (name) => wider.get(name)?.() ?? view.weight(name) },
  };
}

function requireSameKind(spec: DecoderSpec, { layer, activation }: NeuronsDelta): void {
  const { mlp } = spec.blocks[layer]!;
  const refuse = (what: string) =>
    refuseExport(
      `the extra neurons of layer ${layer}`,
      what,
      'The forms onnx and memory hold them, the form diff the weights alone',
    );
  if (mlp.kind !== 'plain') refuse('the MLPs of the model are gated, and these neurons are not: no MLP holds both');
  else if (mlp.activation !== activation)
    refuse(
      `their activation function is ${activation}, and that of the model's MLPs ${mlp.activation}: no MLP holds both`,
    );
  else if (mlp.input.bias === null || widthKeys[spec.family] === undefined)
    refuse(`the MLPs of a ${spec.family} have no biases that theirs could be among`);
}

/** A map with further outputs, whose rows `[n, in]` are given. */
const withOutputs = ({ orientation, inSize, outSize }: MatrixRef, weight: Float32Array, rows: Float32Array) =>
  orientation === 'out_in' ? joinedArrays([weight, rows]) : besideColumns(weight, inSize, outSize, rows);

/** A map with further inputs, each of which puts out a row of `[n, out]`. */
const withInputs = ({ orientation, inSize, outSize }: MatrixRef, weight: Float32Array, rows: Float32Array) =>
  orientation === 'in_out' ? joinedArrays([weight, rows]) : besideColumns(weight, outSize, inSize, rows);

/** `[r, c]` with further columns, given as rows `[n, r]`. */
function besideColumns(data: Float32Array, r: number, c: number, rows: Float32Array): Float32Array {
  const n = rows.length / r;
  const all = new Float32Array(r * (c + n));
  for (let i = 0; i < r; i++) {
    all.set(data.subarray(i * c, (i + 1) * c), i * (c + n));
    for (let j = 0; j < n; j++) all[i * (c + n) + c + j] = rows[j * r + i]!;
  }
  return all;
}
