// A LoRA block while it is trained: it acts at the tokens of prompts, at the first map of some MLPs.
import { add, gather, gemm, mul, scatterRows, type Tensor } from '@errata/graph';
import { type BlockFactors, type Tap, uniform, type View } from '@errata/models';
import type { Beside } from '../../training/train-beside.ts';
import type { Parameter } from '../../training/train-on-targets.ts';
import type { MeloSettings } from './settings.ts';

/** Steps after which the learning rate is halved (the repository's). */
const halvedAfter = 20;

const partName = (part: 'a' | 'b', target: number): string => `${part} ${target}`;

function tapOf({ targets, scale }: MeloSettings, own: (name: string) => Tensor, prompts: Tensor): Tap {
  const inputs = new Map<number, Tensor>();
  return (site, at, x) => {
    if (site === 'mlp_in') inputs.set(at, x);
    const target = targets.indexOf(at);
    if (site !== 'mlp_pre' || target < 0) return x;
    const given = gather(inputs.get(at)!, prompts);
    const more = mul(gemm(gemm(given, own(partName('a', target))), own(partName('b', target))), scale);
    return scatterRows(x, prompts, add(gather(x, prompts), more));
  };
}

/** A uniform within 1 / sqrt(scale * rank), B zero: Kaiming's with a = sqrt(5), of as many ranks as all blocks have together. */
function initialFactors(
  { spec }: View,
  { targets, rank, scale }: MeloSettings,
  seed: number,
  stream: number,
): readonly Parameter[] {
  const bound = 1 / Math.sqrt(scale * rank);
  return targets.flatMap((_, target) => {
    const next = uniform(seed, stream * targets.length + target);
    const drawn = Float32Array.from({ length: spec.width * rank }, () => bound * (2 * next() - 1));
    return [
      { name: partName('a', target), shape: [spec.width, rank], values: drawn },
      { name: partName('b', target), shape: [rank, spec.mlpWidth], values: new Float32Array(rank * spec.mlpWidth) },
    ];
  });
}

/**
 * A block as it is before the first step.
 * @param stream of the drawn numbers: another one for every block
 */
export function blockOf(view: View, settings: MeloSettings, seed: number, stream: number) {
  const { targets, rank, scale, steps, stop_loss, learning_rate } = settings;
  const parameters = initialFactors(view, settings, seed, stream);
  const beside: Beside = {
    key: `melo ${targets.join(' ')} ${rank} ${scale}`,
    from: targets[0]!,
    parameters,
    tap: (own, prompts) => tapOf(settings, own, prompts),
    steps,
    stop_loss,
    rate: (step) => learning_rate * 0.5 ** Math.floor(step / halvedAfter),
  };
  /** As they are now, `scale` in B. */
  const factors = (): readonly BlockFactors[] =>
    targets.map((_, target) => ({
      a: parameters[2 * target]!.values,
      b: parameters[2 * target + 1]!.values.map((x) => x * scale),
    }));
  return { beside, factors };
}
