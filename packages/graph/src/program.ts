// Programs: compiled graphs, run by onnxruntime. The runtime is loaded when the first program is compiled.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import type * as ort from 'onnxruntime-node';
import { evaluateDim, isSymbol } from './dims.ts';
import { GraphError } from './errors.ts';
import type { ArrayOf, DType, Tensor } from './nodes.ts';
import { type EmittedModel, emitOnnx } from './onnx.ts';
import { add } from './ops.ts';
import { float32, type HostTensor, input } from './tensor.ts';

/** What executes programs. `auto` takes the first of cuda, webgpu and cpu that works. */
export type Provider = 'cpu' | 'cuda' | 'webgpu' | 'auto';

/** How programs are executed; nothing above this package needs to know. */
export interface RuntimeSettings {
  readonly provider: Provider;
  /** Threads inside one operator. */
  readonly threads: number;
  /** A directory for a profile of the first run of every program, which {@link placementOf} reads; none are made unless it is given. */
  readonly profiles?: string;
}

const providers: readonly Provider[] = ['cpu', 'cuda', 'webgpu', 'auto'];

/**
 * Settings from the environment: `ERRATA_PROVIDER` (cpu, cuda, webgpu, auto; default cpu), `ERRATA_THREADS`
 * (default: what the machine offers) and `ERRATA_PROFILES`.
 * @throws GraphError `bad_argument`
 */
export function settingsFromEnvironment(env: NodeJS.ProcessEnv = process.env): RuntimeSettings {
  const provider = providers.find((name) => name === (env.ERRATA_PROVIDER || 'cpu'));
  if (!provider)
    throw new GraphError('bad_argument', `"${env.ERRATA_PROVIDER}" is none of ${providers.join(', ')}`, {
      where: 'ERRATA_PROVIDER',
    });
  const threads = env.ERRATA_THREADS ? Number(env.ERRATA_THREADS) : availableParallelism();
  if (!Number.isSafeInteger(threads) || threads < 1)
    throw new GraphError('bad_argument', `"${env.ERRATA_THREADS}" is not a number of threads`, {
      where: 'ERRATA_THREADS',
    });
  return { provider, threads, ...(env.ERRATA_PROFILES && { profiles: env.ERRATA_PROFILES }) };
}

/** Settings of one program. */
export interface CompileSettings extends RuntimeSettings {
  /**
   * Whether memory counts for more than time: a program keeps neither a pool of it between runs nor a plan for equal shapes, since those of
   * several programs add up. Evaluating six edits of SmolLM2-135M peaks at 1,475 MiB instead of 1,847, in no more processor time.
   */
  readonly lean: boolean;
}

let settings: RuntimeSettings | undefined;

/** The settings in force for programs compiled from now on. */
export function runtimeSettings(): RuntimeSettings {
  settings ??= settingsFromEnvironment();
  return settings;
}

/** Changes settings for programs compiled from now on. */
export function configureRuntime(changes: Partial<RuntimeSettings>): void {
  settings = { ...runtimeSettings(), ...changes };
}

/** Host tensors by name, fed to or returned by a program. */
export type HostTensors = Readonly<Record<string, HostTensor>>;

/** A compiled graph. A run blocks its thread while the runtime computes. */
export interface Program<Outputs extends string = string> {
  /** Inputs that must be fed; those the outputs do not depend on are gone. */
  readonly inputs: readonly Tensor[];
  /** Bytes of the constants that the session keeps a copy of. */
  readonly constantBytes: number;
  /** What executes it. */
  readonly provider: Exclude<Provider, 'auto'>;
  /**
   * Computes all outputs. Extra feeds are refused; data is not copied in, results are new arrays, but for those that are given
   * where to go: they have the output's shape, and may be what is fed where the last operator reads each element before it writes it.
   * @throws GraphError `bad_feed` naming the input and the shapes, or `released`
   */
  readonly run: (
    feeds: HostTensors,
    into?: Readonly<Partial<Record<Outputs, HostTensor>>>,
  ) => Promise<Readonly<Record<Outputs, HostTensor>>>;
  /** Frees the session. Idempotent. */
  readonly release: () => Promise<void>;
}

let runtime: Promise<typeof ort> | undefined;

function loadRuntime(): Promise<typeof ort> {
  runtime ??= import('onnxruntime-node').catch((cause: unknown) => {
    runtime = undefined;
    throw new GraphError('provider_unavailable', 'onnxruntime-node cannot be loaded on this machine', {
      where: 'runtime',
      cause,
    });
  });
  return runtime;
}

async function createSession(
  model: EmittedModel,
  provider: Exclude<Provider, 'auto'>,
  { threads, lean, profiles }: CompileSettings,
): Promise<ort.InferenceSession> {
  const { InferenceSession } = await loadRuntime();
  return InferenceSession.create(model.bytes, {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // The extended fusions make float64 nodes for which the CPU has no kernel (QuickGelu, for one).
    graphOptimizationLevel: model.usesFloat64 ? 'basic' : 'all',
    enableCpuMemArena: !lean,
    enableMemPattern: !lean,
    externalData: model.weights,
    // Threads that spin while they wait starve the other processes of a small machine: on 2 busy cores a training step took
    // 1.2 to 2.2 times as long with spinning.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    ...(profiles !== undefined && {
      enableProfiling: true,
      profileFilePrefix: join(profiles, `${process.pid}-${++profilesMade}`),
    }),
    // Fatal only: refusals arrive as exceptions, and the runtime's warnings are about its own choices.
    logSeverityLevel: 4,
  });
}

let profilesMade = 0;

/** The CUDA libraries are a separate download; looking for them first keeps the runtime's own complaints off stderr. */
function requireCudaLibraries(): void {
  const folder = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const library = process.platform === 'win32' ? 'onnxruntime_providers_cuda.dll' : 'libonnxruntime_providers_cuda.so';
  if (existsSync(join(folder, 'bin', 'napi-v6', process.platform, process.arch, library))) return;
  throw new Error(
    `${library} is not installed; on a GPU host run onnxruntime-node's install script with --onnxruntime-node-install=cuda12`,
  );
}

/** What a machine may lack, said behind the runtime's own words. */
const advice = {
  cuda: '',
  webgpu: '; it needs the loader of Vulkan (libvulkan1 on Debian) and a Vulkan driver of the card',
} as const;

/** Operators without a kernel, for which others stand in: left to the CPU, all logits would be copied there at every step. */
const lacking: Readonly<Partial<Record<Provider, readonly string[]>>> = { webgpu: ['LogSoftmax'] };

async function open(outputs: Readonly<Record<string, Tensor>>, wanted: CompileSettings) {
  const candidates = wanted.provider === 'auto' ? (['cuda', 'webgpu', 'cpu'] as const) : [wanted.provider];
  for (const provider of candidates) {
    try {
      if (provider === 'cuda') requireCudaLibraries();
      const model = emitOnnx(outputs, { lacking: lacking[provider] ?? [] });
      return { provider, model, session: await createSession(model, provider, wanted) };
    } catch (cause) {
      if (provider !== candidates.at(-1)) continue;
      if (cause instanceof GraphError) throw cause;
      // What the runtime asserts begins with where in its sources.
      const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/^.* was false\. /s, '').trim();
      throw provider === 'cpu'
        ? new GraphError('session_failed', reason, { where: 'compile', cause })
        : new GraphError(
            'provider_unavailable',
            `${provider} does not work on this machine: ${reason}${advice[provider]}`,
            {
              where: 'ERRATA_PROVIDER',
              cause,
            },
          );
    }
  }
  throw new GraphError('provider_unavailable', 'no provider works', { where: 'ERRATA_PROVIDER' });
}

function checkFeeds(inputs: readonly Tensor[], feeds: HostTensors): void {
  const bindings = new Map<string, number>();
  const refuse = (x: Tensor, message: string, fed: HostTensor): never => {
    throw new GraphError('bad_feed', message, { where: x.name, shapes: [x.dims, fed.dims] });
  };
  for (const x of inputs) {
    const fed = feeds[x.name];
    if (!fed) throw new GraphError('bad_feed', 'is not fed', { where: x.name, shapes: [x.dims] });
    if (fed.dtype !== x.dtype) refuse(x, `is ${x.dtype}, fed ${fed.dtype}`, fed);
    if (fed.dims.length !== x.dims.length) refuse(x, 'is fed another number of axes', fed);
    for (const [axis, dim] of x.dims.entries()) {
      if (!isSymbol(dim)) continue;
      const bound = bindings.get(dim);
      if (bound !== undefined && bound !== fed.dims[axis]) refuse(x, `${dim} is ${bound} elsewhere`, fed);
      bindings.set(dim, fed.dims[axis]!);
    }
  }
  for (const x of inputs) {
    const fed = feeds[x.name]!;
    for (const [axis, dim] of x.dims.entries()) {
      const expected = evaluateDim(dim, bindings);
      if (expected !== undefined && expected !== fed.dims[axis]) refuse(x, `axis ${axis} must be ${expected}`, fed);
    }
    if (fed.data.length !== fed.dims.reduce((a, b) => a * b, 1))
      refuse(x, `is fed ${fed.data.length} elements, which do not fill its shape`, fed);
  }
  for (const name of Object.keys(feeds)) {
    if (!inputs.some((x) => x.name === name))
      throw new GraphError('bad_feed', 'is not an input of this program', { where: name });
  }
}

/**
 * Compiles the graph behind named outputs.
 * @param overrides settings for this program only
 * @throws GraphError from emission; `provider_unavailable` or `session_failed` from the runtime
 */
export async function compile<Outputs extends string>(
  outputs: Readonly<Record<Outputs, Tensor>>,
  overrides: Partial<CompileSettings> = {},
): Promise<Program<Outputs>> {
  const { Tensor: RuntimeTensor } = await loadRuntime();
  const chosen = { ...runtimeSettings(), lean: false, ...overrides };
  const { provider, model, session } = await open(outputs, chosen);
  let profiling = chosen.profiles !== undefined;
  const { inputs } = model;
  const names = Object.keys(outputs) as Outputs[];
  // The runtime may read large constants where they are, so they must live as long as the session.
  let held: EmittedModel['weights'] | undefined = model.weights;
  return {
    inputs,
    constantBytes: held.reduce((sum, { data }) => sum + data.byteLength, 0),
    provider,
    run: async (feeds, into) => {
      if (!held) throw new GraphError('released', 'the program was released', { where: 'run' });
      checkFeeds(inputs, feeds);
      const tensorOf = ({ dtype, dims, data }: HostTensor) => new RuntimeTensor(dtype, data, dims);
      const fed: Record<string, ort.Tensor> = {};
      for (const { name } of inputs) fed[name] = tensorOf(feeds[name]!);
      const wanted: Record<string, ort.Tensor | null> = {};
      for (const name of names) {
        const given = into?.[name];
        wanted[name] = given ? tensorOf(given) : null;
      }
      const results = await session.run(fed, wanted);
      if (profiling) session.endProfiling();
      profiling = false;
      const out = {} as Record<Outputs, HostTensor>;
      for (const name of names) {
        const { type, dims, data } = results[name]!;
        out[name] = into?.[name] ?? { dtype: type as DType, dims, data: data as ArrayOf[DType] };
      }
      return out;
    },
    release: async () => {
      if (!held) return;
      held = undefined;
      await session.release();
    },
  };
}

/** Whether a provider works on this machine, and if not, why and what to do. */
export interface ProviderFinding {
  readonly provider: Exclude<Provider, 'auto'>;
  readonly works: boolean;
  readonly why?: string;
}

/** Tries every provider with a sum of two numbers. */
export async function findProviders(): Promise<readonly ProviderFinding[]> {
  const found: ProviderFinding[] = [];
  for (const provider of ['cuda', 'webgpu', 'cpu'] as const) {
    try {
      const x = input('x', 'float32', [1]);
      const program = await compile({ sum: add(x, x) }, { provider });
      await program.run({ x: float32([1], Float32Array.of(1)) });
      await program.release();
      found.push({ provider, works: true });
    } catch (error) {
      found.push({ provider, works: false, why: error instanceof Error ? error.message : String(error) });
    }
  }
  return found;
}

/** Compiles, runs once and releases: for tests and one-off computations. */
export async function evaluate<Outputs extends string>(
  outputs: Readonly<Record<Outputs, Tensor>>,
  feeds: HostTensors = {},
): Promise<Readonly<Record<Outputs, HostTensor>>> {
  const program = await compile(outputs);
  try {
    return await program.run(feeds);
  } finally {
    await program.release();
  }
}
