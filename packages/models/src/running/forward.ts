// The forward pass of one version: how prompts are read, and the programs that run them with its memories acting.

import { type HostTensor, type HostTensors, int32Data } from '@errata/graph';
import type { Tap } from '../architectures/decoder-graph.ts';
import type { DecoderSpec } from '../architectures/spec.ts';
import type { PromptModel, Reading } from '../deltas/reading.ts';
import { encoderFeeds } from './encoder-feeds.ts';
import { indices } from './feeds.ts';
import { captureGraph, captureName, forwardGraph, type Readings, readingGraph, type SiteAt } from './graphs.ts';
import { headGraph, runHead } from './head.ts';
import type { BoundProgram, ProgramCache, WeightSource } from './program-cache.ts';
import {
  embeddingFeeds,
  type PlacedPrompt,
  type PromptReader,
  promptFeeds,
  promptReader,
  type ReadPrompt,
} from './prompts.ts';

type Outputs = Promise<Readonly<Record<string, HostTensor>>>;

/** Runs batches. `prompts` are those that lie in a run, each as a whole: where memories act. */
export interface Runner {
  readonly spec: Pick<DecoderSpec, 'layers' | 'kvHeads' | 'headDim' | 'vocab' | 'context'>;
  /** Ids that are never the best nor drawn: {@link idsWithoutToken}. */
  readonly undrawable: readonly number[];
  /**
   * Goes on from cached keys and values: `log_probs`, `best` and `logits` of {@link headGraph}, and the keys and values.
   * @param feeds of a cached {@link forwardGraph} and of the head, with changes of logits or without, and without weights and memories
   */
  readonly run: (feeds: HostTensors, prompts: readonly PlacedPrompt[]) => Outputs;
}

/** The forward pass of one version. */
export interface Forward extends Runner {
  readonly spec: DecoderSpec;
  /** Prompts as they are to be run. */
  readonly read: PromptReader;
  /** Prompts in front of which no memory puts anything. */
  readonly readPlainly: PromptReader;
  /** Over an encoder: feeds of what it reads for these prompts, a sequence of a run each; else none. */
  readonly inputFeeds: (prompts: readonly ReadPrompt[]) => HostTensors;
  /** Over an encoder: reads what it reads for these prompts once, and runs sequences that say something to it, a row each. */
  readonly over: (prompts: readonly ReadPrompt[]) => Promise<Runner>;
  /** The same as {@link Runner.run} of whole sequences that nothing goes on from: nothing is cached before or behind them. */
  readonly scan: Runner['run'];
  /** @param feeds of {@link captureGraph} of so many blocks, of which some may not be needed */
  readonly capture: (
    wanted: readonly SiteAt[],
    feeds: HostTensors,
    prompts: readonly PlacedPrompt[],
    blocks: number,
  ) => Outputs;
}

/** What a forward pass is made of. */
export interface ForwardParts extends PromptModel {
  readonly undrawable: readonly number[];
  readonly programs: ProgramCache;
  readonly readings: readonly Reading[];
  readonly weight: (name: string) => Float32Array;
  /** Weights that are fed at every run; the others are stored in the programs. */
  readonly inputs: ReadonlySet<string>;
  /** What acts on every run beside memories, with a key that determines its graph; what it takes is among the feeds of a run. */
  readonly company?: { readonly graph: string; readonly tap: (weight: WeightSource) => Tap };
}

export function makeForward(parts: ForwardParts): Forward {
  const { programs, readings, weight, inputs, undrawable, company, ...model } = parts;
  const { spec } = model;
  const activations = readings.filter((reading) => reading.at === 'activation');

  /** What acts on some prompts, a key that determines its graph, and its feeds. Where no prompt ends in a run only that can act which acts everywhere. */
  const actingOn = (prompts: readonly PlacedPrompt[]) => {
    const embeddings = embeddingFeeds(spec.width, prompts);
    const acting: Readings = {
      activations: prompts.length === 0 ? activations.filter(({ everywhere }) => everywhere) : activations,
      embedded: embeddings !== undefined,
    };
    const key = [...(acting.embedded ? ['embedded'] : []), ...acting.activations.map(({ graph }) => graph)].join(' ');
    const ownFeeds: HostTensors = Object.assign({}, ...acting.activations.map(({ feeds }) => feeds));
    const feeds = acting.activations.length === 0 ? {} : { ...promptFeeds(prompts), ...ownFeeds };
    return { acting, key, feeds: { ...feeds, ...embeddings } };
  };

  const through = async (
    cached: boolean,
    { targets, logit_rows, changed, changed_by, ...feeds }: HostTensors,
    prompts: readonly PlacedPrompt[],
  ) => {
    const { acting, key, feeds: further } = actingOn(prompts);
    const name = `${cached ? 'forward' : 'scan'} ${key} ${company?.graph ?? ''}`;
    const program = await programs.get(name, inputs, (source) =>
      forwardGraph(spec, source, acting, { cached, ...(company && { tap: company.tap(source) }) }),
    );
    const { normed, ...kept } = await program.run(takenBy(program, { ...feeds, ...further }), weight);
    const changes = changed !== undefined;
    const head = await programs.get(changes ? 'head changed' : 'head', inputs, (source) =>
      headGraph(spec, source, undrawable, { changes }),
    );
    const rows = { normed: normed!, targets: targets!, logit_rows: logit_rows! };
    const headFeeds = changes ? { ...rows, changed, changed_by: changed_by! } : rows;
    const found = await runHead(head, spec, headFeeds, weight);
    return { ...kept, ...found };
  };

  const run: Runner['run'] = (feeds, prompts) => through(true, feeds, prompts);

  const inputFeeds: Forward['inputFeeds'] = (prompts) =>
    spec.over === undefined
      ? {}
      : encoderFeeds(
          spec.over.encoder,
          prompts.map(({ input }) => ({ ids: input! })),
        );

  return {
    spec,
    undrawable,
    read: promptReader(
      model,
      readings.filter((reading) => reading.at === 'prompt'),
    ),
    readPlainly: promptReader(model, []),
    inputFeeds,
    over: async (prompts) => {
      const feeds = inputFeeds(prompts);
      const reading = await programs.get('read', inputs, (source) => readingGraph(spec, source));
      const read = { ...(await reading.run(feeds, weight)), input_bias: feeds.input_bias! };
      return {
        spec,
        undrawable,
        run: (given, placed) => run({ ...given, ...read, key_positions: keyPositions(given) }, placed),
      };
    },
    run,
    scan: (feeds, prompts) => through(false, feeds, prompts),
    capture: async (wanted, feeds, prompts, blocks) => {
      const { acting, key, feeds: further } = actingOn(prompts);
      const name = `capture ${blocks} ${wanted.map(captureName).join(' ')} ${key}`;
      const program = await programs.get(name, inputs, (source) => captureGraph(spec, source, wanted, acting, blocks));
      return program.run(takenBy(program, { ...feeds, ...further }), weight);
    },
  };
}

/** What a program takes of some feeds; pruned inputs must not be fed. */
const takenBy = ({ takes }: BoundProgram, feeds: HostTensors): HostTensors =>
  Object.fromEntries(Object.entries(feeds).filter(([name]) => takes(name)));

/** Positions of all that a run sees, cached and new: a cached position lies where it stands. */
function keyPositions({ bias, positions }: HostTensors): HostTensor {
  const [batch, , time, seen] = bias!.dims as readonly [number, number, number, number];
  const fresh = int32Data(positions!);
  const all = new Int32Array(batch * seen);
  for (let row = 0; row < batch; row++) {
    for (let at = 0; at < seen - time; at++) all[row * seen + at] = at;
    all.set(fresh.subarray(row * time, (row + 1) * time), row * seen + seen - time);
  }
  return indices(all);
}
