// Compiled programs of one model, kept for reuse: sessions are slow to make, and what a session stores of the weights is a copy.

import {
  compile,
  constant,
  GraphError,
  type HostTensor,
  type HostTensors,
  input,
  type Program,
  type Tensor,
} from '@errata/graph';
import { withoutEmptyCaches } from './empty-caches.ts';

/** Weight lookup of a graph under construction. */
export type WeightSource = (name: string) => Tensor;

/** A program whose weight inputs are fed for the caller. */
export interface BoundProgram {
  /** @param feeds everything but weights @param weightOf current values of the weights that are inputs */
  readonly run: (
    feeds: HostTensors,
    weightOf: (name: string) => Float32Array,
  ) => Promise<Readonly<Record<string, HostTensor>>>;
  /** Whether the graph takes an input of that name; pruned ones must not be fed. */
  readonly takes: (name: string) => boolean;
}

/** A program of the caller's own over weights that whoever made it feeds. */
export interface ViewProgram {
  /** @param feeds everything but weights */
  readonly run: (feeds: HostTensors) => Promise<Readonly<Record<string, HostTensor>>>;
  /** Whether the graph takes an input of that name; pruned ones must not be fed. */
  readonly takes: (name: string) => boolean;
}

/** The programs of one model. */
export interface ProgramCache {
  /**
   * The program under a key, built and compiled when first asked for. The key must determine the graph.
   * @param inputs matrices to be fed at every run, whatever the model's size
   */
  readonly get: (
    key: string,
    inputs: ReadonlySet<string>,
    build: (weight: WeightSource) => Readonly<Record<string, Tensor>>,
  ) => Promise<BoundProgram>;
  /** Frees all sessions; nothing runs afterwards. */
  readonly release: () => Promise<void>;
}

/** What a cache may hold; the least recently used idle program goes first. */
export interface CacheLimits {
  readonly programs: number;
  /** Bytes of weights stored in programs. */
  readonly bytes: number;
  /**
   * Whether programs store the matrices they read, laid out for the kernels, or share the model's one copy, fed at every run.
   * Stored ones are up to a third faster where few tokens run and a tenth where many do, at the price of a copy in each program.
   */
  readonly storeMatrices: boolean;
}

/** Weights of a model whose programs store copies of matrices, and what all its programs may store together. */
const smallModel = 2 ** 27;
const storedBytes = 2 ** 29;

/** What the programs of a model of so many bytes of weights may hold, as far as its options leave it open. */
export const limitsFor = (
  weightBytes: number,
  { programs = 12, storeMatrices = weightBytes < smallModel }: Partial<Omit<CacheLimits, 'bytes'>> = {},
): CacheLimits => ({ programs, bytes: storedBytes, storeMatrices });

/**
 * Bytes that working with a model of so many parameters takes, in float32: a small model's are copied into the programs of the forward
 * graph, of a value search and of captures; a larger one's are there once, with a quarter of them again for what runs hold (editing takes
 * 1.5 times the weights in all for Gemma 3 270M, the runtime's own 115 MB included).
 */
export const workingBytes = (parameters: number): number => {
  const weightBytes = 4 * parameters;
  return (weightBytes < smallModel ? 4 : 1.25) * weightBytes;
};

interface Entry {
  readonly program: Promise<Program>;
  /** 0 until compiled. */
  bytes: number;
  running: number;
  evicted: boolean;
}

/**
 * Makes the cache of one model.
 * @param spec the shapes of its weights, by name
 * @param base frozen weights by name
 */
export function makeProgramCache(
  spec: { readonly parameters: ReadonlyMap<string, readonly number[]> },
  base: (name: string) => Float32Array,
  limits: CacheLimits,
): ProgramCache {
  const entries = new Map<string, Entry>();

  const shapeOf = (name: string): readonly number[] => {
    const dims = spec.parameters.get(name);
    if (!dims) throw new RangeError(`the model has no parameter "${name}"`);
    return dims;
  };
  // Vectors are stored unless they are asked for: they are small, and the runtime fuses norms whose scale it knows.
  const alwaysFed = (name: string) => !limits.storeMatrices && shapeOf(name).length > 1;

  const weights = (inputs: ReadonlySet<string>): WeightSource => {
    const made = new Map<string, Tensor>();
    return (name) => {
      const known = made.get(name);
      if (known) return known;
      const dims = shapeOf(name);
      const fed = alwaysFed(name) || inputs.has(name);
      const tensor = fed ? input(name, 'float32', dims) : constant('float32', dims, base(name), name);
      made.set(name, tensor);
      return tensor;
    };
  };

  const overfull = () => {
    let bytes = 0;
    for (const entry of entries.values()) bytes += entry.bytes;
    return entries.size > limits.programs || bytes > limits.bytes;
  };

  const evict = async () => {
    for (const [key, entry] of entries) {
      if (!overfull()) return;
      if (entry.running > 0) continue;
      entries.delete(key);
      entry.evicted = true;
      await (await entry.program).release();
    }
  };

  let released = false;
  const touch = (full: string, entry: Entry) => {
    // Reinserting keeps the map in order of use.
    entries.delete(full);
    entries.set(full, entry);
  };

  const get: ProgramCache['get'] = async (key, inputs, build) => {
    if (released) throw new GraphError('released', 'the model was released', { where: key });
    const chosen = [...inputs].filter((name) => !alwaysFed(name)).sort();
    const full = `${key} | ${chosen.join(' ')}`;
    const entry = entries.get(full) ?? {
      program: compile(build(weights(inputs)), { lean: !limits.storeMatrices }),
      running: 0,
      bytes: 0,
      evicted: false,
    };
    touch(full, entry);
    entry.running++;
    try {
      const program = await entry.program;
      entry.bytes = program.constantBytes;
      const names = new Set(program.inputs.map((x) => x.name));
      await evict();
      return {
        takes: (name) => names.has(name),
        run: async (feeds, weightOf) => {
          if (entry.evicted) return (await get(key, inputs, build)).run(feeds, weightOf);
          const fed: Record<string, HostTensor> = {
            ...(program.provider === 'cpu' ? feeds : withoutEmptyCaches(feeds)),
          };
          for (const { name } of program.inputs) {
            const dims = spec.parameters.get(name);
            if (dims && !fed[name]) fed[name] = { dtype: 'float32', dims, data: weightOf(name) };
          }
          touch(full, entry);
          entry.running++;
          try {
            return await program.run(fed);
          } finally {
            entry.running--;
          }
        },
      };
    } catch (error) {
      entries.delete(full);
      throw error;
    } finally {
      entry.running--;
    }
  };

  return {
    get,
    release: async () => {
      released = true;
      const all = [...entries.values()];
      entries.clear();
      for (const entry of all) {
        entry.evicted = true;
        await (await entry.program).release();
      }
    },
  };
}
