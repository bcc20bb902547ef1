// What the training loop needs to know of a model: its weights, and the gradients of a step.
import type { MuonMatrix } from '@errata/graph';
import type { TrainingStep } from '@errata/models';
import { weights as lossWeights } from '../corpus/sentences.ts';

export interface Trainee {
  readonly parameters: ReadonlyMap<string, readonly number[]>;
  /** Those that Muon updates: all of the blocks, fused projections by their parts. */
  readonly matrices: ReadonlyMap<string, MuonMatrix>;
  readonly initialWeights: () => Map<string, Float32Array>;
  /** Of a batch that the step alone decides. */
  readonly step: (
    weights: ReadonlyMap<string, Float32Array>,
    step: number,
  ) => Promise<{
    readonly gradients: TrainingStep['gradients'];
    /** Mean of -log p of the answers' tokens, in nats. */
    readonly answerLoss: number;
  }>;
  readonly release: () => Promise<void>;
}

/** The rows of a batch that count, and with what weight: those of all tokens, by which they are divided. */
export function countedRows(targets: Int32Array, weights: Float32Array) {
  const rows = [...weights.keys()].filter((row) => weights[row] !== 0);
  const total = rows.reduce((sum, row) => sum + weights[row]!, 0);
  return {
    rows: Int32Array.from(rows),
    targets: Int32Array.from(rows, (row) => targets[row]!),
    rowWeights: Float32Array.from(rows, (row) => weights[row]! / total),
    /** Mean of -log p of those that are tokens of answers. */
    answerLoss: (logProbs: Float32Array): number => {
      const answers = rows.flatMap((row, index) => (weights[row] === lossWeights.answer ? [-logProbs[index]!] : []));
      return answers.reduce((sum, loss) => sum + loss, 0) / answers.length;
    },
  };
}
