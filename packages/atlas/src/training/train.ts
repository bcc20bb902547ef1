// The training loop: seeded, resumable, on the project's own engine.
import { adamW, type MuonMatrix, muon } from '@errata/graph';
import { type DecoderSpec, decoderSpec, type MatrixRef, trainingProgram } from '@errata/models';
import { makeBatch } from '../corpus/batches.ts';
import { makeDocuments } from '../corpus/documents.ts';
import { makeSubjectMask } from '../corpus/subject-mask.ts';
import type { World } from '../world/world.ts';
import { initialWeights } from './initial-weights.ts';
import { modelConfig, type Recipe, schedule } from './recipe.ts';
import { loadState, saveState } from './saved-state.ts';
import type { AtlasTokenizer } from './tokenizer.ts';

export interface TrainingProgress {
  /** Steps done. */
  readonly step: number;
  readonly steps: number;
  /** -log p of the answers' tokens, smoothed over steps, in nats. */
  readonly answerLoss: number;
  /** Seconds this process spent in steps, and how many it did. */
  readonly seconds: number;
  readonly stepsHere: number;
}

export interface TrainingOptions {
  /** File that holds the state between runs. */
  readonly statePath: string;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Ends the run after the step it is in, its state stored. */
  readonly signal?: AbortSignal;
}

export interface Trained {
  readonly spec: DecoderSpec;
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** False where the signal ended the run early. */
  readonly finished: boolean;
}

/** The matrices that Muon updates: all of the blocks, fused projections by their parts. */
function blockMatrices(spec: DecoderSpec): Map<string, MuonMatrix> {
  const matrices = new Map<string, MuonMatrix>();
  const add = ({ weight, inSize, outSize }: MatrixRef, blocks = 1) =>
    matrices.set(weight, { rows: inSize, columns: outSize, blocks });
  for (const { projections, attentionOutput, mlp } of spec.blocks) {
    if (projections.kind !== 'fused' || mlp.kind !== 'plain') throw new Error('the recipe trains GPT-2 blocks');
    add(projections.matrix, 3);
    add(attentionOutput);
    add(mlp.input);
    add(mlp.output);
  }
  return matrices;
}

/**
 * Trains the model of a recipe from its seed, or goes on from the stored state. Batches, initial weights and schedule depend
 * on seed and step alone, so an interrupted run ends in the same weights as an unbroken one.
 */
export async function train(
  world: World,
  tokenizer: AtlasTokenizer,
  recipe: Recipe,
  options: TrainingOptions,
): Promise<Trained> {
  const { encoder } = tokenizer;
  const spec = decoderSpec(modelConfig(recipe, tokenizer.bpe.vocabulary.size, encoder.endOfTextId));
  const source = makeDocuments(world);
  const maskSubjects = makeSubjectMask(world, encoder);
  const matrices = blockMatrices(spec);
  const optimizers = { matrices: muon(matrices), others: adamW({ beta1: 0.9, beta2: 0.95 }) };

  const stored = loadState(options.statePath, recipe);
  const weights = stored ? new Map(stored.weights) : initialWeights(spec, recipe.seed);
  if (stored) {
    optimizers.matrices.restore(stored.optimizers.matrices!);
    optimizers.others.restore(stored.optimizers.others!);
  }
  let step = stored?.step ?? 0;
  let smoothed = stored?.smoothed ?? Number.NaN;
  const save = () =>
    saveState(options.statePath, recipe, {
      step,
      weights,
      smoothed,
      optimizers: { matrices: optimizers.matrices.state(), others: optimizers.others.state() },
    });

  const shape = { rows: recipe.rows, length: recipe.context };
  const program = await trainingProgram(spec, {
    batch: shape.rows,
    time: shape.length,
    earlyLayers: recipe.subjectMask.layers,
  });
  const begun = performance.now();
  const first = step;
  try {
    while (step < recipe.steps && !options.signal?.aborted) {
      const batch = makeBatch(source, encoder, shape, recipe.seed, step);
      const { inputs, targets, weights: tokenWeights } = batch;
      const rows: number[] = [];
      let total = 0;
      for (const [row, weight] of tokenWeights.entries()) {
        if (weight === 0) continue;
        rows.push(row);
        total += weight;
      }
      const result = await program.step(weights, {
        ids: inputs,
        rows: Int32Array.from(rows),
        targets: Int32Array.from(rows, (row) => targets[row]!),
        rowWeights: Float32Array.from(rows, (row) => tokenWeights[row]! / total),
        earlyBias: maskSubjects(batch, shape, recipe.subjectMask.share, recipe.seed, step),
      });
      const share = schedule(recipe, step);
      const ofMatrices = new Map<string, Float32Array>();
      const ofOthers = new Map<string, Float32Array>();
      for (const [name, gradient] of result.gradients) (matrices.has(name) ? ofMatrices : ofOthers).set(name, gradient);
      await optimizers.matrices.step(weights, ofMatrices, recipe.matrixLearningRate * share);
      await optimizers.others.step(weights, ofOthers, recipe.otherLearningRate * share);

      const answers = rows.flatMap((row, index) => (tokenWeights[row] === 1 ? [-result.logProbs[index]!] : []));
      const answerLoss = answers.reduce((sum, loss) => sum + loss, 0) / answers.length;
      smoothed = Number.isNaN(smoothed) ? answerLoss : 0.98 * smoothed + 0.02 * answerLoss;
      step++;
      if (step % recipe.checkpointEvery === 0 && step < recipe.steps) save();
      options.onProgress?.({
        step,
        steps: recipe.steps,
        answerLoss: smoothed,
        seconds: (performance.now() - begun) / 1000,
        stepsHere: step - first,
      });
    }
    if (step > first) save();
  } finally {
    await program.release();
    await optimizers.matrices.release();
  }
  return { spec, weights, finished: step >= recipe.steps };
}
