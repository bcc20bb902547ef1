// Scope classifiers as graphs: vectors of corrections and queries, and how likely a correction and a query that are read together belong together.

import { relu, type Tensor } from '@errata/graph';
import type { WeightOf } from '../architectures/blocks/layers.ts';
import { map, pooledTexts, type TextInputs } from '../knowledge/graph.ts';
import type { CounterfactualSpec } from './spec.ts';

/** Vectors `[B, r]` of corrections in words, or of queries, by a head each: near each other where the one is in the scope of the other. */
export const scopeVectors = (
  spec: Pick<CounterfactualSpec, 'encoder'>,
  weight: WeightOf,
  head: 'edit' | 'query',
  texts: TextInputs,
): Tensor => map(weight, head, pooledTexts(spec, weight, texts));

/** Logits `[B, 1]` that the query of a pair is in the scope of its correction. */
export const pairLogits = (spec: Pick<CounterfactualSpec, 'encoder'>, weight: WeightOf, pairs: TextInputs): Tensor =>
  map(weight, 'pair.out', relu(map(weight, 'pair.in', pooledTexts(spec, weight, pairs))));
