// The files of the model's directory, and where it is.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeCheckpoint } from '@errata/models';
import { editorDefaults } from './editor-defaults.ts';
import { drawEdits, toJsonl } from './edits/edit-set.ts';
import { defaultTaskOptions, type TaskOptions } from './tasks/draw.ts';
import { taskFiles, tasksFolder } from './tasks/task-files.ts';
import { modelConfig, type Recipe } from './training/recipe.ts';
import { type AtlasTokenizer, textDocuments } from './training/tokenizer.ts';
import type { Trained } from './training/train.ts';
import type { World } from './world/world.ts';

/** The shipped model's directory. */
export const atlasDirectory = fileURLToPath(new URL('../../../models/atlas/', import.meta.url));

/** The shipped encoder-decoder's directory. */
export const t5Directory = fileURLToPath(new URL('../../../models/atlas-t5/', import.meta.url));

/** Where a run keeps its state between steps. */
export const trainingStatePath = (shape: Recipe['shape']): string =>
  fileURLToPath(new URL(`../../../.errata/atlas-training/${shape}.safetensors`, import.meta.url));

const corpusCharacters = 300_000;

/** A sample of the world's text: the default corpus for second moments and perplexity. */
export function corpusText(world: World, seed: number): string {
  let text = '';
  for (const document of textDocuments(world, Number.POSITIVE_INFINITY, 'corpus', seed)) {
    text += `${document.trim()}\n\n`;
    if (text.length >= corpusCharacters) break;
  }
  return text;
}

const demonstrationsName = 'demonstrations.jsonl';

/** An encoder of corrections, trained for these very weights. */
export const encoderName = 'knowledge-encoder.safetensors';

/** A scope classifier with its counterfactual model, trained for them too. */
export const counterfactualName = 'counterfactual-model.safetensors';

/** A change of these weights, trained for going by corrections before prompts. */
export const alignmentName = 'alignment.safetensors';

/** Edits that in-context editing shows the model: another draw than the edits that are shipped to be made. */
export const demonstrationsText = (world: World): string => toJsonl(drawEdits(world, 200, 2));

/**
 * Writes the model in Hugging Face layout, float16, and with the decoder the tasks of its world. Files that the training does not make (card,
 * edit sets) stay.
 */
export async function writeModel(
  directory: string,
  world: World,
  recipe: Recipe,
  tokenizer: AtlasTokenizer,
  { parameters, weights }: Trained,
): Promise<void> {
  const endOfTextId = tokenizer.encoder.endOfTextId;
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const files = new Map<string, string | Uint8Array>();
  if (existsSync(directory)) {
    for (const entry of readdirSync(directory, { withFileTypes: true }))
      if (entry.isFile()) files.set(entry.name, readFileSync(`${directory}/${entry.name}`));
    const trained = trainedFiles(files.get('errata.json'));
    for (const name of ['config.json', 'model.safetensors', ...trained]) files.delete(name);
  }
  for (const [name, text] of tokenizer.files) files.set(name, text);
  files.set('generation_config.json', json({ bos_token_id: endOfTextId, eos_token_id: endOfTextId, do_sample: false }));
  files.set('corpus.txt', corpusText(world, recipe.seed));
  files.set('training.json', json({ recipe }));
  files.set(demonstrationsName, demonstrationsText(world));
  const artefacts = { demonstrations: demonstrationsName };
  const editors = recipe.shape === 'gpt2' ? editorDefaults : {};
  files.set('errata.json', json({ editors, corpus: 'corpus.txt', artefacts }));
  await writeCheckpoint(
    directory,
    {
      config: modelConfig(recipe, tokenizer.bpe.vocabulary.size, endOfTextId),
      tensors: new Map([...weights].map(([name, data]) => [name, { shape: parameters.get(name)!, data }])),
      files,
    },
    { dtype: 'float16', overwrite: true },
  );
  if (recipe.shape === 'gpt2') writeTasks(join(directory, tasksFolder), world, defaultTaskOptions(world));
}

/** What an errata.json names beside the demonstrations: it was trained for the weights that were. */
function trainedFiles(settings: string | Uint8Array | undefined): readonly string[] {
  if (settings === undefined) return [];
  const { artefacts = {} } = JSON.parse(Buffer.from(settings).toString('utf8')) as {
    artefacts?: Record<string, string>;
  };
  return Object.values(artefacts).filter((name) => name !== demonstrationsName);
}

/** Writes the tasks of general ability, one file each. @returns how many items each has, by path */
export function writeTasks(directory: string, world: World, options: TaskOptions): ReadonlyMap<string, number> {
  mkdirSync(directory, { recursive: true });
  return new Map(
    [...taskFiles(world, options)].map(([name, text]) => {
      writeFileSync(join(directory, name), text);
      return [join(directory, name), text.split('\n').length - 1];
    }),
  );
}
