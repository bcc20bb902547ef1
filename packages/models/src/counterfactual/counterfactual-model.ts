// A scope classifier with its counterfactual model at work: corrections and queries to vectors, pairs of them to probabilities, and who answers.

import { sigmoid } from '@errata/graph';
import type { AnsweringModel, Beside } from '../deltas/reading.ts';
import type { TextBounds } from '../knowledge/file.ts';
import { boundedIds, oneByOne, openTexts, ownEmbeddings, type ReadModel } from '../knowledge/texts.ts';
import type { EncoderInput } from '../running/encoder-feeds.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { StoredCounterfactual } from './file.ts';
import { pairLogits, scopeVectors } from './graph.ts';
import { type CounterfactualSpec, decoderParameter, scaleName } from './spec.ts';

/** The parts of a correction. */
export interface Correction {
  readonly prompt: string;
  /** With the white space that parts it from the prompt. */
  readonly target: string;
}

/** A loaded scope classifier with its counterfactual model. */
export interface Counterfactual {
  readonly spec: CounterfactualSpec;
  /** Vectors of corrections, `[n, representation]`. */
  readonly edits: (corrections: readonly Correction[]) => Promise<Float32Array>;
  /** That of a query. Queries that are asked for together are run together. */
  readonly query: (text: string) => Promise<Float32Array>;
  /** What the squared distance of two vectors is multiplied with: exp(-scale·d²) is how likely the query is in scope. */
  readonly scale: number;
  /** How likely a query is in the scope of each correction, by the classifier that reads both together. */
  readonly pairs: (corrections: readonly Correction[], query: string) => Promise<Float32Array>;
  /** What stands before a query that the counterfactual model answers. */
  readonly front: (correction: Correction) => readonly number[];
  /** The counterfactual model. */
  readonly by: Beside;
  /** Frees all sessions. */
  readonly release: () => Promise<void>;
}

/** A correction in words. */
export const statementOf = ({ prompt, target }: Correction): string => `${prompt}${target}`;

/** A correction as it stands before a query. */
export const frontText = (template: string, { prompt, target }: Correction): string =>
  template.replace('{prompt}', () => prompt).replace('{target}', () => target);

/** A correction and a query as one input of an encoder, each of which keeps its end where both are too long. */
export function pairInput(
  tokenizer: Tokenizer,
  { start, end, longest }: TextBounds,
  statement: string,
  query: string,
): EncoderInput {
  const between = end.length > 0 ? end : start;
  const room = Math.max(1, Math.floor((longest - start.length - between.length - end.length) / 2));
  const first = [...start, ...tokenizer.encode(statement.trim()).slice(-room), ...between];
  const second = [...tokenizer.encode(query.trim()).slice(-room), ...end];
  return { ids: [...first, ...second], types: [...first.map(() => 0), ...second.map(() => 1)] };
}

/** Weights of the counterfactual model. @throws ModelError content_malformed where it is for another model */
function decoderWeights(
  { spec: { decoder }, weights }: Pick<StoredCounterfactual, 'spec' | 'weights'>,
  own: Pick<ReadModel, 'spec' | 'base'>,
): ReadonlyMap<string, Float32Array> {
  const embeddings = ownEmbeddings(decoder, own);
  return new Map(
    [...decoder.parameters.keys()].map((name) => [
      name,
      name === decoder.tokenEmbedding ? embeddings : weights.get(decoderParameter(name))!,
    ]),
  );
}

/** @throws ModelError tokenizer_missing; content_malformed where it is for another model */
export function openCounterfactual(stored: StoredCounterfactual, own: AnsweringModel): Counterfactual {
  const { spec, weights, bounds, template } = stored;
  const { tokenizer, run, release } = openTexts(stored, own);
  const by = own.openBeside(spec.decoder, decoderWeights(stored, own));
  const vectors = async (head: 'edit' | 'query', texts: readonly string[]) =>
    (
      await run(
        head,
        texts.map((text) => ({ ids: boundedIds(tokenizer, bounds, text) })),
        (weight, read) => ({ vectors: scopeVectors(spec, weight, head, read) }),
      )
    ).vectors;
  return {
    spec,
    edits: (corrections) => vectors('edit', corrections.map(statementOf)),
    query: oneByOne((texts) => vectors('query', texts)),
    scale: Math.exp(weights.get(scaleName)![0]!),
    pairs: async (corrections, query) => {
      const inputs = corrections.map((each) => pairInput(tokenizer, bounds, statementOf(each), query));
      const { scores } = await run('pair', inputs, (weight, read) => ({
        scores: sigmoid(pairLogits(spec, weight, read)),
      }));
      return scores;
    },
    front: (correction) => own.tokenizer!.encode(frontText(template, correction)),
    by,
    release: async () => {
      await release();
      await by.release();
    },
  };
}
