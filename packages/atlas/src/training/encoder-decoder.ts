// An encoder-decoder as it is trained: prompts are read, answers are said.
import type { MuonMatrix } from '@errata/graph';
import { type EncoderDecoderSpec, encoderDecoderSpec, encoderDecoderTraining } from '@errata/models';
import { makeDocuments } from '../corpus/documents.ts';
import { makeExamples } from '../corpus/examples.ts';
import type { World } from '../world/world.ts';
import { initialEncoderDecoderWeights } from './initial-weights.ts';
import { type EncoderDecoderRecipe, encoderDecoderConfig } from './recipe.ts';
import type { AtlasTokenizer } from './tokenizer.ts';
import { countedRows, type Trainee } from './trainee.ts';

/** All matrices but the tables. */
function blockMatrices({ encoder, decoder, parameters }: EncoderDecoderSpec): Map<string, MuonMatrix> {
  const tables = [encoder, decoder].flatMap(({ tokenEmbedding, positions }) => [tokenEmbedding, positions.table]);
  const matrices = [...parameters].filter(([name, dims]) => dims.length === 2 && !tables.includes(name));
  return new Map(matrices.map(([name, [rows, columns]]) => [name, { rows: rows!, columns: columns! }]));
}

export async function encoderDecoderTrainee(
  world: World,
  tokenizer: AtlasTokenizer,
  recipe: EncoderDecoderRecipe,
): Promise<Trainee> {
  const { encoder } = tokenizer;
  const spec = encoderDecoderSpec(encoderDecoderConfig(recipe, tokenizer.bpe.vocabulary.size, encoder.endOfTextId));
  const source = makeDocuments(world);
  const shape = { rows: recipe.rows, inputLength: recipe.context, outputLength: recipe.outputContext };
  const program = await encoderDecoderTraining(spec, {
    batch: shape.rows,
    inputTime: shape.inputLength,
    time: shape.outputLength,
  });
  return {
    parameters: spec.parameters,
    matrices: blockMatrices(spec),
    initialWeights: () => initialEncoderDecoderWeights(spec, recipe.seed),
    step: async (weights, step) => {
      const batch = makeExamples(source, encoder, shape, recipe.examples, recipe.seed, step);
      const { answerLoss, ...counted } = countedRows(batch.targets, batch.weights);
      const { gradients, logProbs } = await program.step(weights, { ...batch, ...counted });
      return { gradients, answerLoss: answerLoss(logProbs) };
    },
    release: program.release,
  };
}
