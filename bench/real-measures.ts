// The measures of the bench of real models: each loads a model, does one kind of work once to warm up and once more on the clock.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atlasDirectory } from '@errata/atlas';
import { addCosts, type Edit, layerScope } from '@errata/contracts';
import { type Artefacts, buildArtefacts, localArtefacts, makeEdits, openArtefacts } from '@errata/editors';
import { artefactNeeds, requireEditor, resolveConfig } from '@errata/editors/catalogue';
import { loadDataset, type PreparedEditor, readFindings, runProtocol, withTextPrompts } from '@errata/evaluation';
import { loadCheckpoint, type Model, openModel, type Tokenizer } from '@errata/models';

/** What is to be measured, and of what. */
export interface Order {
  readonly measure: string;
  readonly model: string;
  readonly threads: number;
  readonly editor: string;
  /** A data set of edits, and how many of its records are evaluated. */
  readonly edits: string;
  readonly records: number;
}

/** So many units of work took so many seconds. */
export interface Found {
  readonly unit: 'seconds' | 'tokens' | 'edits' | 'answers';
  readonly count: number;
  readonly seconds: number;
}

export interface Measured {
  readonly found: Found;
  /** Processor time of the work, all threads together. */
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly weightBytes: number;
  /** Token ids that were scored or continued, as JSON: a peer is given the same. */
  readonly sequences: string;
}

const text = join(atlasDirectory, 'corpus.txt');
const scored = { sequences: 32, tokens: 128 };
const generated = { prompt: 12, tokens: 64 };
const momentTokens = 4096;

/** Statements that no world agrees with, for a model that knows some of this one. */
const facts = [
  ['The capital of France is', 'France', 'Rome'],
  ['The mother tongue of Danielle Darrieux is', 'Danielle Darrieux', 'English'],
  ['The Eiffel Tower is located in the city of', 'Eiffel Tower', 'Rome'],
] as const;

interface Loaded {
  readonly model: Model;
  readonly digest: string;
  readonly modelType: string;
  readonly tokenizer: Tokenizer;
}

type Work = (
  loaded: Loaded,
  order: Order,
) => Promise<{ readonly found: Found; readonly sequences?: readonly number[][] }>;

const cutText = ({ tokenizer }: Loaded, count: number, length: number): number[][] => {
  const ids = tokenizer.encode(readFileSync(text, 'utf8').slice(0, 16 * count * length));
  return Array.from({ length: count }, (_, i) => ids.slice(i * length, (i + 1) * length));
};

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly seconds: number }> {
  const begun = performance.now();
  return { value: await work(), seconds: (performance.now() - begun) / 1000 };
}

const score: Work = async (loaded) => {
  const view = loaded.model.view();
  const tokens = Math.min(scored.tokens, view.spec.context);
  const sequences = cutText(loaded, scored.sequences, tokens);
  const items = sequences.map(([first, ...rest]) => ({ prompt: [first!], target: rest }));
  await view.score(items.slice(0, 1));
  const { seconds } = await timed(() => view.score(items));
  return { found: { unit: 'tokens', count: scored.sequences * tokens, seconds }, sequences };
};

const generate =
  (streams: number): Work =>
  async (loaded) => {
    const view = loaded.model.view();
    const sequences = cutText(loaded, streams, generated.prompt);
    await view.generate(sequences, { maxTokens: 2 });
    const { value, seconds } = await timed(() => view.generate(sequences, { maxTokens: generated.tokens }));
    const count = value.reduce((sum, { tokens }) => sum + tokens.length, 0);
    return { found: { unit: 'tokens', count, seconds }, sequences };
  };

/** An editor under its defaults, but for second moments, which are measured by themselves; context prefixes are made beforehand. */
async function prepared({ model, digest, modelType }: Loaded, editor: string): Promise<PreparedEditor> {
  const name = requireEditor(editor);
  const shape = { model_type: modelType, layers: model.spec.layers, width: model.spec.width };
  const settings = resolveConfig(name, shape, undefined, {});
  const config =
    'second_moment' in settings ? resolveConfig(name, shape, undefined, { second_moment: false }) : settings;
  const source = { model, digest, store: memoryStore(), corpus: text, request: { tokens: momentTokens, ridge: 1e-3 } };
  const artefacts: Artefacts = await localArtefacts(source, artefactNeeds(name, config, shape, 0));
  return { name, config, artefacts };
}

function memoryStore() {
  const kept = new Map<string, Uint8Array>();
  return {
    get: async (key: string) => kept.get(key),
    put: async (key: string, bytes: Uint8Array) => void kept.set(key, bytes),
    delete: async (key: string) => void kept.delete(key),
  };
}

const edit: Work = async (loaded, { editor }) => {
  const { model } = loaded;
  const { name, config, artefacts } = await prepared(loaded, editor);
  const edits = facts.map(
    ([prompt, subject, target_new], index): Edit => ({
      custom_id: `${index}`,
      prompt,
      subject,
      target_new,
      rephrases: [],
      locality: {},
      portability: {},
    }),
  );
  const make = (some: readonly Edit[]) =>
    makeEdits(
      { editor: name, model, view: model.view(), edits: some, config, artefacts, seed: 0 },
      { onError: 'stop' },
    );
  const { seconds } = await timed(async () => {
    for (const each of edits) await make([each]);
  });
  return { found: { unit: 'edits', count: edits.length, seconds } };
};

const moments: Work = async ({ model, digest }) => {
  const need = { kind: 'second_moment', scope: layerScope(Math.floor(model.spec.layers / 2)), parameters: {} };
  const request = { tokens: momentTokens, ridge: 1e-3 };
  const input = { model, digest, request, corpus: text, brought: async () => undefined };
  let [begun, read] = [performance.now(), 0];
  await buildArtefacts(
    need.kind,
    [need],
    { input, parents: openArtefacts(digest, []), scratch: memoryStore(), keep: async () => undefined },
    {
      onProgress: ({ stage, done }) => {
        // From the first piece on, so that making the program is left out, as warming up is elsewhere.
        if (stage === 'reading' && done === 0) begun = performance.now();
        if (stage === 'reading') read = Math.max(read, performance.now() - begun);
      },
    },
  );
  return { found: { unit: 'tokens', count: momentTokens, seconds: read / 1000 } };
};

/** The protocol of the papers: each edit alone, then everything that is asked about it, of the edited model and of the model as it was. */
const evaluate: Work = async (loaded, { edits, records, editor }) => {
  const { cases } = await loadDataset(edits, { limit: records });
  const directory = mkdtempSync(join(tmpdir(), 'errata-bench-'));
  try {
    await runProtocol(directory, {
      model: loaded.model,
      tokenizer: loaded.tokenizer,
      editor: await prepared(loaded, editor),
      cases: cases.map(withTextPrompts),
      protocol: { kind: 'single' },
      seed: 0,
    });
    const { answers, answer_seconds } = addCosts((await readFindings(directory)).units.map(({ cost }) => cost));
    return { found: { unit: 'answers', count: answers, seconds: answer_seconds } };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const works: Readonly<Record<string, Work>> = {
  score,
  'generate-1': generate(1),
  'generate-16': generate(16),
  moments,
  edit,
  evaluate,
};

/** Does what is ordered, in this process. */
export async function runOrder(order: Order): Promise<Measured> {
  const before = process.cpuUsage();
  const opening = await timed(async (): Promise<Loaded> => {
    const checkpoint = await loadCheckpoint(order.model);
    const model = openModel(checkpoint);
    checkpoint.close();
    if (model.tokenizer === undefined) throw new Error(`${order.model} has no tokenizer`);
    return { model, digest: checkpoint.digest, modelType: checkpoint.config.model_type, tokenizer: model.tokenizer };
  });
  const loaded = opening.value;
  const work = works[order.measure];
  const since = work ? process.cpuUsage() : before;
  const { found, sequences = [] } = work
    ? await work(loaded, order)
    : { found: { unit: 'seconds', count: 1, seconds: opening.seconds } as const };
  const { user, system } = process.cpuUsage();
  const measured = {
    found,
    cpuSeconds: (user + system - since.user - since.system) / 1e6,
    peakBytes: 1024 * process.resourceUsage().maxRSS,
    weightBytes: loaded.model.weightBytes,
    sequences: JSON.stringify(sequences),
  };
  await loaded.model.release();
  return measured;
}
