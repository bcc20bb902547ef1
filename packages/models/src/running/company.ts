// Versions in company: prompts of several versions continued in one batch, each row through the matrices of its own version.

import { float32, gather, type HostTensor, input, scatterRows, type Tensor } from '@errata/graph';
import { applyMatrix } from '../architectures/blocks/layers.ts';
import type { Tap } from '../architectures/decoder.ts';
import { type DecoderSpec, valueMatrix } from '../architectures/spec.ts';
import type { PromptModel } from '../deltas/reading.ts';
import type { VersionState } from '../deltas/state.ts';
import { checkSequences, packBatches } from './batches.ts';
import { indices } from './feeds.ts';
import { makeForward, type Runner } from './forward.ts';
import { type Generated, type GenerateOptions, generateBatch, positionsAtOnce } from './generate.ts';
import type { ProgramCache, WeightSource } from './program-cache.ts';
import { readAsGiven } from './prompts.ts';

/** A version, as far as it matters here. */
interface Version {
  readonly memories: ReadonlyMap<string, unknown>;
  readonly weight: (name: string) => Float32Array;
  readonly state: () => VersionState;
  readonly generate: (
    prompts: readonly (readonly number[])[],
    options: GenerateOptions,
  ) => Promise<readonly Generated[]>;
}

/** A prompt that a version is to continue. */
export interface AskedVersion {
  readonly view: Version;
  readonly prompt: readonly number[];
}

/** What all versions of a model share. */
export interface CompanyParts extends PromptModel {
  readonly programs: ProgramCache;
  readonly base: (name: string) => Float32Array;
  readonly undrawable: readonly number[];
}

/** Layers whose W_out a version has of its own; undefined where it differs from the base in anything else. */
function ownLayers(spec: DecoderSpec, view: Version): readonly number[] | undefined {
  const names = [...view.state().weights.keys()];
  const layers = spec.blocks.flatMap((_, layer) => (names.includes(valueMatrix(spec, layer).weight) ? [layer] : []));
  return view.memories.size === 0 && layers.length === names.length ? layers : undefined;
}

/**
 * Continuations of prompts of several versions, in their order. Versions that differ from the base in W_out of some layers alone, as
 * those that the editors of the ROME family leave, run in one batch: everything else is read once for all of them. Others are asked
 * one after another. What comes out is what each version gives by itself, but for the rounding of another batch.
 */
export async function generateTogether(
  parts: CompanyParts,
  asked: readonly AskedVersion[],
  options: GenerateOptions,
): Promise<readonly Generated[]> {
  const { spec } = parts;
  const prompts = asked.map(({ prompt }) => prompt);
  checkSequences(spec, prompts);
  const results = new Array<Generated>(asked.length);
  const apart = new Map<Version, number[]>();
  const together: number[] = [];
  for (const [index, { view }] of asked.entries()) {
    if (ownLayers(spec, view) !== undefined) together.push(index);
    else apart.set(view, [...(apart.get(view) ?? []), index]);
  }
  const streamOf = (index: number) => options.streams?.[index] ?? index;
  const { onToken, until } = options;
  const optionsFor = (members: readonly number[]): GenerateOptions => ({
    ...options,
    streams: members.map(streamOf),
    ...(onToken && { onToken: (at, token, logProbs) => onToken(members[at]!, token, logProbs) }),
    ...(until && { until: (at, token) => until(members[at]!, token) }),
  });
  for (const [view, members] of apart) {
    const found = await view.generate(
      members.map((index) => prompts[index]!),
      optionsFor(members),
    );
    for (const [at, index] of members.entries()) results[index] = found[at]!;
  }
  const read = await readAsGiven(together.map((index) => ({ ids: prompts[index]!, behind: 0 })));
  const sequences = read.map(({ ids }) => ids);
  for (const batch of packBatches(sequences, positionsAtOnce, () => options.maxTokens)) {
    const runner = companyRunner(
      parts,
      batch.members.map((member) => asked[together[member]!]!.view),
    );
    const found = await generateBatch(runner, read, batch, optionsFor(together));
    for (const [row, member] of batch.members.entries()) results[together[member]!] = found[row]!;
  }
  return results;
}

const rowsName = (version: number) => `company_rows.${version}`;
const matrixName = (name: string, version: number) => `${name} of version ${version}`;

/** @param of the version of each sequence of a batch */
function companyRunner(parts: CompanyParts, of: readonly Version[]): Runner {
  const { spec } = parts;
  const versions = [...new Set(of)].filter((view) => ownLayers(spec, view)!.length > 0);
  const layers = [...new Set(versions.flatMap((view) => ownLayers(spec, view)!))].sort((a, b) => a - b);
  const matrices: Record<string, HostTensor> = {};
  for (const [version, view] of versions.entries())
    for (const layer of layers) {
      const { weight: name } = valueMatrix(spec, layer);
      matrices[matrixName(name, version)] = float32(spec.parameters.get(name)!, view.weight(name));
    }
  const forward = makeForward({
    ...parts,
    readings: [],
    weight: parts.base,
    inputs: new Set(spec.blocks.map((_, layer) => valueMatrix(spec, layer).weight)),
    company: {
      graph: `layers ${layers.join(' ')} of ${versions.length} versions`,
      tap: (weight) => companyTap(spec, layers, versions.length, weight),
    },
  });
  return {
    ...forward,
    run: (feeds, prompts) => {
      const [, , time] = feeds.bias!.dims as readonly [number, number, number];
      const rows: Record<string, HostTensor> = {};
      for (const [version, view] of versions.entries()) {
        const own = of.flatMap((each, row) =>
          each === view ? Array.from({ length: time }, (_, t) => row * time + t) : [],
        );
        rows[rowsName(version)] = indices(own);
      }
      return forward.run({ ...feeds, ...rows, ...matrices }, prompts);
    },
  };
}

/** Puts what W_out of its own version makes of each row in the place of what the base's makes of it. */
function companyTap(spec: DecoderSpec, layers: readonly number[], versions: number, weight: WeightSource): Tap {
  const rows = Array.from({ length: versions }, (_, version) => input(rowsName(version), 'int32', [`N${version}`]));
  const keys = new Map<number, Tensor>();
  return (site, layer, activation) => {
    if (!layers.includes(layer)) return activation;
    if (site === 'mlp_key') keys.set(layer, activation);
    if (site !== 'mlp_out') return activation;
    const matrix = valueMatrix(spec, layer);
    const dims = spec.parameters.get(matrix.weight)!;
    return rows.reduce((all, own, version) => {
      const replaced = input(matrixName(matrix.weight, version), 'float32', dims);
      const weightOf = (name: string) => (name === matrix.weight ? replaced : weight(name));
      return scatterRows(all, own, applyMatrix(weightOf, matrix, gather(keys.get(layer)!, own)));
    }, activation);
  };
}
