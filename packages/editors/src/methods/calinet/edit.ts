// CaliNET: the edits of a batch get neurons beside the last MLP together, which are trained on their answers (Dong et al. 2022).
import { add, gemm, type Tensor } from '@errata/graph';
import { type Activation, activate, type Tap, uniform, type View } from '@errata/models';
import { requireChange } from '../../outcomes.ts';
import { scheduled } from '../../training/train.ts';
import { trainBeside } from '../../training/train-beside.ts';
import type { Parameter } from '../../training/train-on-targets.ts';
import { editInRuns } from '../in-runs.ts';
import { neuronsThere } from '../neurons-there.ts';
import type { CaliNetSettings } from './settings.ts';

/** Keys uniform within 1 / sqrt(width), as PyTorch draws a linear map; biases and values zero. */
function initialNeurons({ spec: { width } }: View, neurons: number, seed: number) {
  const next = uniform(seed, 0);
  const bound = 1 / Math.sqrt(width);
  const of = (name: string, shape: readonly number[], values: Float32Array): Parameter => ({ name, shape, values });
  return {
    keys: of(
      'keys',
      [neurons, width],
      Float32Array.from({ length: neurons * width }, () => bound * (2 * next() - 1)),
    ),
    biases: of('biases', [neurons], new Float32Array(neurons)),
    values: of('values', [neurons, width], new Float32Array(neurons * width)),
  };
}

/** CaliNET. All edits of a batch share the neurons. */
export const edit = editInRuns<CaliNetSettings>(
  () => Number.MAX_SAFE_INTEGER,
  async ({ view, config, seed }, { run, custom_ids, onStep }, { signal }) => {
    const { layer, neurons, steps, learning_rate, warmup_steps, stop_loss } = config;
    const { width, blocks } = view.spec;
    const activation: Activation = config.activation === 'relu' ? 'relu' : blocks[layer]!.mlp.activation;
    const parts = initialNeurons(view, neurons, seed);
    const there = neuronsThere(view, layer);
    const tapOf = (own: (name: string) => Tensor): Tap => {
      const others = there.tap();
      let query: Tensor | undefined;
      return (site, at, x) => {
        if (at === layer && site === 'mlp_in') query = x;
        const y = others(site, at, x);
        if (at !== layer || site !== 'mlp_out') return y;
        const excited = gemm(query!, own('keys'), { transB: true, bias: own('biases') });
        return add(y, gemm(activate[activation](excited), own('values')));
      };
    };
    const course = await trainBeside(
      view,
      {
        key: `calinet ${layer} ${activation} ${neurons} ${there.graph}`,
        from: layer,
        parameters: Object.values(parts),
        tap: tapOf,
        feeds: there.feeds,
        steps,
        stop_loss,
        rate: (step) => learning_rate * scheduled({ warmup_steps, decay: 0, steps }, step),
      },
      run.map(({ sequence }) => sequence),
      signal,
      onStep,
    );
    const [keys, biases, values] = [parts.keys.values, parts.biases.values, parts.values.values];
    requireChange([values], layer, custom_ids);
    return { ...course, delta: { kind: 'neurons', layer, activation, width, keys, biases, values } };
  },
);
