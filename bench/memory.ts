// What a memory costs as it grows: processor time of an edit and an answer behind rows of each kind, beside the unedited model, r-ROME and MEMIT in the same run.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { atlasDirectory, buildWorld, drawEdits } from '@errata/atlas';
import { type EditRequest, edit, localArtefacts } from '@errata/editors';
import {
  artefactNeeds,
  type EditorName,
  type ModelDefaults,
  modelDefaultsSchema,
  resolveConfig,
} from '@errata/editors/catalogue';
import { fileArtefactStore } from '@errata/engine';
import {
  type Delta,
  decodeCounterfactual,
  decodeKnowledgeEncoder,
  type EmbeddedRow,
  emptyCodebook,
  encodeDelta,
  encodePrompt,
  encodeSentenceEncoder,
  heldSentenceEncoder,
  loadCheckpoint,
  type Model,
  openModel,
  type PatchRow,
  type PromptRow,
  packPatch,
  type ScopedRow,
  stateBytes,
  type TextRow,
  uniform,
  unit,
  type View,
  valueMatrix,
} from '@errata/models';
import { median } from './median.ts';

/** Edits and answers that a figure is the median of. */
const edits = 5;
const answers = 61;
/** Tokens of an answer. */
const maxTokens = 8;

interface Bench {
  readonly model: Model;
  /** Where the model lies, and what it names there. */
  readonly directory: string;
  readonly defaults: ModelDefaults;
  /** Directory of a sentence encoder; undefined where none is to be measured. */
  readonly encoder: string | undefined;
  /** What is asked and corrected; none of it is in the memories beforehand. */
  readonly asked: readonly EditRequest[];
}

/** An editor, and how to put so many rows of its kind into a version at once. */
interface Kind {
  readonly name: string;
  readonly editor: EditorName;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Rows that nothing which is asked comes near to. */
  readonly rows: (bench: Bench, count: number) => Promise<Delta>;
}

/** Made-up names: as many as there are numbers, no two alike. */
function nameOf(number: number): string {
  const [starts, ends] = [
    ['ba', 'co', 'di', 'fe', 'gu', 'la', 'mo', 'ni', 'po', 're'],
    ['n', 'rt', 'l', 'sk', 'm', 'x', 'nd', 's', 'v', 'th'],
  ];
  const syllables = [...`${number}`].map((digit) => starts[Number(digit)]! + ends[(Number(digit) * 7 + number) % 10]!);
  return syllables.join('').replace(/^./, (first) => first.toUpperCase());
}

const phrasings = ['{s} lives in', 'The home of {s} is', '{s} works as a', 'The mother tongue of {s} is'];

function promptOf(number: number): readonly [prompt: string, subject: string] {
  const subject = nameOf(number);
  return [phrasings[number % phrasings.length]!.replace('{s}', subject), subject];
}

/** An artefact that the model brings along, lent to it: its bytes, and the digest that rows name it by. */
function lent({ model, directory, defaults }: Bench, kind: keyof NonNullable<ModelDefaults['artefacts']>) {
  const bytes = readBrought(directory, defaults, kind);
  if (bytes === undefined) throw new Error(`the model brings no ${kind} along`);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  model.contents.lend(sha256, bytes);
  return { sha256, bytes };
}

function readBrought(directory: string, { artefacts }: ModelDefaults, kind: string): Uint8Array | undefined {
  const file = Object.entries(artefacts ?? {}).find(([name]) => name === kind)?.[1];
  return file === undefined ? undefined : readFileSync(join(directory, file));
}

/** Vectors of random numbers, one behind the other, none of them near to what a trained encoder makes of a text. */
function noise(size: number): Float32Array {
  const next = uniform(7, 0);
  return Float32Array.from({ length: size }, () => 0.1 * (next() - 0.5));
}

const kinds: readonly Kind[] = [
  {
    name: 'texts',
    editor: 'retrieval',
    settings: { stop_loss: 0 },
    rows: async (_bench, count) => {
      const rows = Array.from({ length: count }, (_, number): TextRow => {
        const [prompt, subject] = promptOf(number);
        return { prompt, subject, text: `New fact: ${prompt} Oslo.\n`, threshold: 0.5, top_k: 1 };
      });
      return { kind: 'text_rows', rows };
    },
  },
  {
    name: 'embedded',
    editor: 'retrieval',
    settings: { stop_loss: 0, similarity: 'encoder' },
    rows: async ({ model, encoder: directory }, count) => {
      const checkpoint = await loadCheckpoint(directory!);
      const bytes = encodeSentenceEncoder(checkpoint);
      checkpoint.close();
      const encoder = createHash('sha256').update(bytes).digest('hex');
      model.contents.lend(encoder, bytes);
      const { width } = await heldSentenceEncoder(model.contents, encoder);
      const next = uniform(7, 0);
      const vectors = Float32Array.from({ length: count * width }, () => Math.sqrt(3 / width) * (2 * next() - 1));
      const rows = Array.from({ length: count }, (_, number): EmbeddedRow => {
        const [prompt] = promptOf(number);
        const vector = vectors.subarray(number * width, (number + 1) * width);
        return { encoder, prompt, text: `New fact: ${prompt} Oslo.\n`, threshold: 0.5, top_k: 1, vector };
      });
      return { kind: 'embedded_rows', rows };
    },
  },
  {
    name: 'codebook',
    editor: 'grace',
    settings: { steps: 20, stop_loss: 0 },
    rows: async ({ model }, count) => {
      const { width, mlpWidth } = model.spec;
      const layer = graceLayer(model);
      const far = (size: number) => noise(size).map((x) => 200 * x);
      return {
        ...emptyCodebook({ site: 'mlp_pre', layer }, width, mlpWidth),
        keys: far(count * width),
        values: far(count * mlpWidth),
        radii: new Float32Array(count).fill(1),
        labels: Array.from({ length: count }, (_, row) => `${row}`),
        replacements: Array.from({ length: count }, () => 'last' as const),
      };
    },
  },
  {
    name: 'prompts',
    editor: 'recipe',
    settings: { stop_loss: 0 },
    rows: async (bench, count) => {
      const { sha256: encoder, bytes } = lent(bench, 'knowledge_encoder');
      const { representation: r, promptTokens, promptWidth } = decodeKnowledgeEncoder(bytes).spec;
      const p = promptTokens * promptWidth;
      const [representations, prompts] = [noise(count * r), noise(count * p)];
      const rows = Array.from({ length: count }, (_, number): PromptRow => {
        const [prompt] = promptOf(number);
        return {
          encoder,
          prompt,
          text: `${prompt} Oslo`,
          threshold: null,
          gives: 'prompts',
          representation: representations.subarray(number * r, (number + 1) * r),
          prompts: prompts.subarray(number * p, (number + 1) * p),
        };
      });
      return { kind: 'prompt_rows', rows, renewed: [] };
    },
  },
  {
    name: 'scoped',
    editor: 'serac',
    settings: { stop_loss: 0 },
    rows: async (bench, count) => {
      const { sha256: encoder, bytes } = lent(bench, 'counterfactual_model');
      const { representation: r } = decodeCounterfactual(bytes).spec;
      // Far from all that is asked.
      const vectors = noise(count * r).map((x) => 1000 * x);
      const rows = Array.from({ length: count }, (_, number): ScopedRow => {
        const [prompt] = promptOf(number);
        const vector = vectors.subarray(number * r, (number + 1) * r);
        return { encoder, prompt, target: ' Oslo', classifier: 'vectors', candidates: 8, threshold: 0.5, vector };
      });
      return { kind: 'scoped_rows', rows };
    },
  },
  {
    name: 'patches',
    editor: 'rase',
    settings: {},
    rows: async (bench, count) => {
      const { sha256: encoder, bytes } = lent(bench, 'knowledge_encoder');
      const { representation: r } = decodeKnowledgeEncoder(bytes).spec;
      const { threshold, lead, spread, among, layer } = resolveConfig(
        'rase',
        shapeOf(bench.model),
        bench.defaults,
        {},
      ) as Pick<PatchRow, 'threshold' | 'lead' | 'spread' | 'among'> & { readonly layer: number };
      const { weight: tensor, inSize, outSize } = valueMatrix(bench.model.spec, layer);
      const [vectors, lefts, rights] = [noise(count * r), noise(count * inSize), noise(count * outSize)];
      const rows = Array.from({ length: count }, (_, number): PatchRow => {
        const [prompt] = promptOf(number);
        const of = (numbers: Float32Array, size: number) => numbers.subarray(number * size, (number + 1) * size);
        const [left, right] = [of(lefts, inSize), of(rights, outSize)];
        return {
          encoder,
          prompt,
          text: `${prompt} Oslo`,
          ...{ threshold, lead, spread, among },
          ...packPatch([{ kind: 'low_rank', tensor, rank: 1, left, right }]),
          vector: unit(of(vectors, r)),
        };
      });
      return { kind: 'patch_rows', rows };
    },
  },
];

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const shapeOf = ({ spec }: Model) => ({ model_type: spec.family, layers: spec.layers, width: spec.width });
const graceLayer = (model: Model): number => resolveConfig('grace', shapeOf(model), undefined, {}).layer as number;

/** Of processors, not of a clock: what else the machine does is not in it. */
async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/**
 * Batches of edits one after another, each on the version that the one before it left, put into bytes as an engine does; the first is
 * not counted.
 */
async function editTimes(
  { model, directory, defaults, asked, encoder }: Bench,
  editor: EditorName,
  settings: Kind['settings'],
  from: View,
  batch = 1,
) {
  const config = resolveConfig(editor, shapeOf(model), defaults, settings);
  const store = fileArtefactStore(fileURLToPath(new URL('../.errata/bench/', import.meta.url)));
  const corpus = join(atlasDirectory, 'corpus.txt');
  const needs = artefactNeeds(editor, config, shapeOf(model), 0);
  const artefacts = await localArtefacts(
    {
      model,
      digest: model.digest!,
      store,
      corpus,
      brought: async (kind) => readBrought(directory, defaults, kind),
      request: encoder === undefined ? {} : { encoder },
    },
    needs,
  );
  let view = from;
  const times: number[] = [];
  for (let at = 0; times.length <= edits && at + batch <= asked.length; at += batch) {
    const ms = await milliseconds(async () => {
      const input = { model, view, edits: asked.slice(at, at + batch), config, artefacts, seed: 0 };
      const { deltas } = await edit(editor, input, {});
      for (const { delta } of deltas) encodeDelta(delta);
      view = view.with(deltas.map(({ delta }) => delta));
    });
    times.push(ms / batch);
  }
  return { view, ms: median(times.slice(1)) };
}

/** Answers of two versions by turns, so that whatever else the machine does meets both. */
async function answerTimes({ model }: Bench, base: View, view: View, prompts: readonly string[]) {
  const own: number[] = [];
  const unedited: number[] = [];
  for (let turn = -1; turn < answers; turn++) {
    const prompt = [encodePrompt(model.tokenizer!, prompts[(turn + 1) % prompts.length]!)];
    const [plain, took] = [
      await milliseconds(() => base.generate(prompt, { maxTokens })),
      await milliseconds(() => view.generate(prompt, { maxTokens })),
    ];
    if (turn < 0) continue;
    unedited.push(plain);
    own.push(took);
  }
  return { ms: median(own), ratio: median(own.map((took, turn) => took / unedited[turn]!)) };
}

/** Answers to what is not corrected and to what is, each with how many times the unedited model's it takes; bytes stored, and in memory. */
const head = [
  'rows',
  'ms an edit',
  'of r-ROME',
  'of MEMIT',
  'ms an answer elsewhere',
  'of the unedited',
  'ms an answer corrected',
  'of the unedited',
  'bytes a row',
  'opening, s',
  'in memory, MB',
];

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: { type: 'string', default: atlasDirectory },
      sizes: { type: 'string', default: '0,100,10000,1000000' },
      kinds: { type: 'string', default: 'texts,codebook,prompts,scoped,patches' },
      encoder: { type: 'string' },
    },
  });
  const model = openModel(await loadCheckpoint(values.model));
  const asked = drawEdits(buildWorld(), 20 * (edits + 1), 1).map(({ edit: one }) => one);
  const written = join(values.model, 'errata.json');
  const defaults = modelDefaultsSchema.parse(existsSync(written) ? JSON.parse(readFileSync(written, 'utf8')) : {});
  const bench: Bench = { model, directory: values.model, defaults, asked, encoder: values.encoder };
  const base = model.view();
  const ofWeights = {
    'r-ROME': (await editTimes(bench, 'r-rome', {}, base)).ms,
    'MEMIT, ten at once': (await editTimes(bench, 'memit', {}, base, 10)).ms,
  };
  for (const [name, ms] of Object.entries(ofWeights)) console.log(`${name}: ${ms.toFixed(1)} ms an edit`);
  const elsewhere = asked.slice(-answers).map(({ prompt }) => prompt);
  const edited = asked.slice(0, edits + 1).map(({ prompt }) => prompt);
  for (const kind of kinds.filter(({ name }) => values.kinds.split(',').includes(name))) {
    console.log(`\n${kind.name}, by ${kind.editor}\n\n${line(head)}\n${line(head.map(() => '---'))}`);
    for (const count of values.sizes.split(',').map(Number)) {
      collectGarbage();
      const before = process.memoryUsage();
      const delta = await kind.rows(bench, count);
      const view = model.restore({ weights: new Map(), memories: base.with([delta]).state().memories });
      const opening = await milliseconds(() => view.nextLogits([encodePrompt(model.tokenizer!, elsewhere[0]!)]));
      collectGarbage();
      const after = process.memoryUsage();
      const stored = count === 0 ? 0 : stateBytes(view.state()) / count;
      const outside = await answerTimes(bench, base, view, elsewhere);
      const made = await editTimes(bench, kind.editor, kind.settings, view);
      const inside = await answerTimes(bench, base, made.view, edited);
      const cells = [
        count.toLocaleString('en'),
        made.ms.toFixed(1),
        ...Object.values(ofWeights).map((ms) => (made.ms / ms).toFixed(3)),
        outside.ms.toFixed(2),
        outside.ratio.toFixed(3),
        inside.ms.toFixed(2),
        inside.ratio.toFixed(3),
        count === 0 ? '' : Math.round(stored).toLocaleString('en'),
        (opening / 1000).toFixed(2),
        ((after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / 2 ** 20).toFixed(0),
      ];
      console.log(line(cells));
    }
  }
  await model.release();
}
