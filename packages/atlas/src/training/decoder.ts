// A decoder as it is trained: rows of documents, with the attention of early layers kept from subjects.
import type { MuonMatrix } from '@errata/graph';
import { type DecoderSpec, decoderSpec, type MatrixRef, trainingProgram } from '@errata/models';
import { makeBatch } from '../corpus/batches.ts';
import { makeDocuments } from '../corpus/documents.ts';
import { makeSubjectMask } from '../corpus/subject-mask.ts';
import type { World } from '../world/world.ts';
import { initialWeights } from './initial-weights.ts';
import { type DecoderRecipe, decoderConfig } from './recipe.ts';
import type { AtlasTokenizer } from './tokenizer.ts';
import { countedRows, type Trainee } from './trainee.ts';

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

export async function decoderTrainee(world: World, tokenizer: AtlasTokenizer, recipe: DecoderRecipe): Promise<Trainee> {
  const { encoder } = tokenizer;
  const spec = decoderSpec(decoderConfig(recipe, tokenizer.bpe.vocabulary.size, encoder.endOfTextId));
  const source = makeDocuments(world);
  const maskSubjects = makeSubjectMask(world, encoder);
  const shape = { rows: recipe.rows, length: recipe.context };
  const program = await trainingProgram(spec, {
    batch: shape.rows,
    time: shape.length,
    earlyLayers: recipe.subjectMask.layers,
  });
  return {
    parameters: spec.parameters,
    matrices: blockMatrices(spec),
    initialWeights: () => initialWeights(spec, recipe.seed),
    step: async (weights, step) => {
      const batch = makeBatch(source, encoder, shape, recipe.seed, step);
      const { answerLoss, ...counted } = countedRows(batch.targets, batch.weights);
      const { gradients, logProbs } = await program.step(weights, {
        ids: batch.inputs,
        ...counted,
        earlyBias: maskSubjects(batch, shape, recipe.subjectMask.share, recipe.seed, step),
      });
      return { gradients, answerLoss: answerLoss(logProbs) };
    },
    release: program.release,
  };
}
