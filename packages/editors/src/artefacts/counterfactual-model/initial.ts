// Where the training of a counterfactual model begins.
import {
  type CounterfactualSpec,
  counterfactualSpec,
  decoderParameter,
  type Model,
  scaleName,
  uniform,
} from '@errata/models';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { canonical, linearMap, repeated, scaleRow, whitened } from '../../training/canonical.ts';
import { type InitialTexts, initialTexts } from '../../training/initial-texts.ts';
import { beginAsTokens, commonToken, textPooler } from '../../training/pooled-texts.ts';
import type { TrainingRecord } from '../../training/records.ts';
import type { TrainingSettings } from './request.ts';

/** A scope classifier with its counterfactual model before its first step. */
export type Initial = InitialTexts<CounterfactualSpec>;

/** Width of a head of attention in the counterfactual model, where that divides its width. */
const headWidth = 32;

/**
 * The counterfactual model is a GPT-2 over the language model's own token embeddings, which stay as they are, with random numbers elsewhere.
 * @param encoder directory of a text encoder; undefined for one from nothing
 */
export async function initialCounterfactual(
  encoder: string | undefined,
  settings: TrainingSettings,
  model: Model,
): Promise<Initial> {
  const { representation, encoder_layers, decoder_layers, decoder_mlp, seed } = settings;
  const { vocab, context, width } = model.spec;
  const decoder = {
    model_type: 'gpt2',
    vocab_size: vocab,
    n_positions: Math.min(context, longestContext),
    n_embd: width,
    n_layer: decoder_layers,
    n_head: width % headWidth === 0 ? width / headWidth : 1,
    n_inner: decoder_mlp,
  };
  const initial = await initialTexts(
    encoder,
    {
      encoder_layers,
      token_types: 2,
      seed,
      specOf: (config, ownTokens, names) => counterfactualSpec(config, { representation, ownTokens, decoder }, names),
    },
    model,
  );
  const { spec, weights } = initial;
  for (const [index, [name, dims]] of [...spec.decoder.parameters].entries())
    if (name !== spec.decoder.tokenEmbedding)
      weights.set(decoderParameter(name), drawDecoder(name, dims, decoder_layers, uniform(seed, 1000 + index)));
  weights.set(scaleName, Float32Array.of(-Math.log(representation)));
  return initial;
}

/** Tokens of a correction, a query and its answer at most. */
const longestContext = 512;

/** Greatest number in a position: about as much of a sum as a token's embedding. */
const positionHeight = 0.15;

/**
 * Norms the identity, matrices normal, those that add to the residual stream smaller the more of them do; positions as sinusoids (Vaswani et
 * al. 2017), so that heads soon find the token before, of which copying is made.
 */
function drawDecoder(name: string, dims: readonly number[], layers: number, next: () => number): Float32Array {
  const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
  if (dims.length === 1) return values.fill(/ln_.*\.weight$/.test(name) ? 1 : 0);
  if (name.includes('wpe')) {
    const [, width] = dims as readonly [number, number];
    return values.map((_, at) => {
      const [position, column] = [Math.floor(at / width), at % width];
      const angle = position / 10_000 ** ((2 * Math.floor(column / 2)) / width);
      return positionHeight * (column % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
    });
  }
  const deviation = (1 / Math.sqrt(dims[0]!)) * (name.includes('c_proj') ? 1 / Math.sqrt(2 * layers) : 1);
  return values.map(() => deviation * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()));
}

/**
 * Fits the vectors of corrections and queries to texts: to the canonical correlations of pooled queries (prompts and rephrasings) and their
 * statements, each weighted by √(ρ/(1-ρ²)), so that, were texts Gaussian, the squared distance would be what tells a query of a statement from
 * one of another; its scale has even odds half way, by ratio, between the two.
 */
export async function fitVectors(initial: Initial, model: Model, records: readonly TrainingRecord[]): Promise<void> {
  const { spec, weights } = initial;
  const statementTexts = records.map(({ statement }) => statement);
  if (initial.encoder === null) beginAsTokens(initial, model, statementTexts);
  const pool = textPooler(initial, model);
  const asked = records.map(({ reliability, generality }) =>
    [reliability, ...generality[0]!].map(({ query }) => query),
  );
  const owners = asked.flatMap((queries, record) => queries.map(() => record));
  const queries = await whitened(await pool.texts(asked.flat()));
  const statements = await whitened(await pool.texts(statementTexts));
  const count = Math.min(spec.representation, statements.centred.columns);
  const found = await canonical(queries, { ...statements, centred: repeated(statements.centred, owners) }, count);
  let [own, other] = [0, 0];
  for (const [row, rho] of found.correlations.entries()) {
    const weight = Math.sqrt(rho / (1 - rho ** 2));
    scaleRow(found.a, row, weight);
    scaleRow(found.b, row, weight);
    own += (2 * rho) / (1 + rho);
    other += (2 * rho) / (1 - rho ** 2);
  }
  for (const [head, map, { mean }] of [
    ['query', found.a, queries],
    ['edit', found.b, statements],
  ] as const) {
    const { weight, bias } = linearMap(spec.representation, [[0, map]], mean);
    weights.set(`${head}.weight`, weight);
    weights.set(`${head}.bias`, bias);
  }
  weights.set(scaleName, Float32Array.of(Math.log(Math.LN2 / Math.sqrt(own * other))));
}

/** Has the positions of the counterfactual model take away what the tokens of texts have in common. */
export function takeCommonAway({ spec, weights }: Initial, model: Model, records: readonly TrainingRecord[]): void {
  const { positions } = spec.decoder;
  if (positions.kind !== 'learned') return;
  const { spec: own, base } = model;
  const tokenizer = requireTokenizer({ model });
  const ids = records.slice(0, commonSample).map(({ statement }) => tokenizer.encode(statement));
  const mean = commonToken(base(own.tokenEmbedding), own.width, ids);
  const table = weights.get(decoderParameter(positions.table))!;
  for (const at of table.keys()) table[at]! -= mean[at % mean.length]!;
}

/** Corrections that tell what tokens have in common. */
const commonSample = 1000;
