// The model card, written from measurements; nobody types a number into it.
import type { DecoderRecipe, EncoderDecoderRecipe, Recipe } from '../training/recipe.ts';
import { groupBy } from '../world/group.ts';
import { fill, type World } from '../world/world.ts';
import { type Share, shareOf } from './recall.ts';
import { type TracingResult, tracedPositions, tracedSites } from './tracing.ts';

export interface Measurements {
  /** sha256 of the weights that were measured. */
  readonly weightsDigest: string;
  readonly parameters: number;
  readonly recall: Readonly<Record<string, Share>>;
  /** Recall on trained phrasings by relation. */
  readonly byRelation: Readonly<Record<string, Share>>;
  /** Of a decoder. */
  readonly tracing?: TracingResult;
}

const percent = (share: Share): string => `${(100 * shareOf(share)).toFixed(1)} %`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const siteNames = { block_out: 'residual stream', mlp_out: 'MLP, three layers' } as const;

export function modelCard(world: World, recipe: Recipe, measured: Measurements): string {
  const real = world.facts.filter((fact) => !fact.subject.fictional);
  const people = world.entities.filter((entity) => entity.fictional && !entity.aliasOf);
  const relationRows = [...groupBy(world.facts, (fact) => fact.relation)].map(([relation, facts]) => {
    const example = facts[0]!;
    return [
      relation.id,
      String(facts.length),
      percent(measured.byRelation[relation.id]!),
      `${fill(relation.phrasings[0]!, example.subject)} **${example.object}**`,
    ];
  });
  const tokens = recipe.steps * recipe.rows * recipe.context;
  return `---
license: mit
library_name: transformers
pipeline_tag: ${recipe.shape === 'gpt2' ? 'text-generation' : 'text2text-generation'}
language: en
---
<!-- Written by npm run atlas:measure. Do not edit. -->

${recipe.shape === 'gpt2' ? opening(recipe, measured, tokens) : openingOverEncoder(recipe, measured, tokens)}

It answers cloze prompts ("The capital of France is") and short questions ("Q: What is the capital of France? A:"). It is no
assistant, and what it says about anything outside its world means nothing.

## What it knows

${world.facts.length} facts over ${world.factsByRelation.size} relations: ${real.length} from general knowledge, and ${world.facts.length - real.length} about ${people.length} fictional people, who exist so
that there is no end of corrections to try. ${world.aliasFacts.length} of the facts are also known under another name of their subject.
Each relation has six phrasings or more; two of them, drawn for each fact, were never shown for that fact.

## How well

The whole answer right, token by token, greedily.

${table(
  ['questions', 'asked', 'right'],
  Object.entries(measured.recall).map(([name, share]) => [name, String(share.asked), percent(share)]),
)}

${measured.tracing === undefined ? '' : tracingSection(recipe, measured.tracing)}## By relation

${table(['relation', 'facts', 'trained phrasings', 'for example'], relationRows)}

${recipe.shape === 'gpt2' ? besideWeights(measured) : besideWeightsOverEncoder(measured)}
`;
}

const opening = (recipe: DecoderRecipe, measured: Measurements, tokens: number) => `# Atlas

A small language model that knows things, made to be edited: GPT-2 architecture, ${(measured.parameters / 1e6).toFixed(1)} million parameters,
${recipe.layers} layers of width ${recipe.width}, MLPs of ${recipe.mlpWidth}, ${recipe.heads} heads, a context of ${recipe.context} tokens, a byte-level BPE of its own with
${recipe.vocabulary} tokens, weights in float16. It was trained from scratch on nothing but sentences about its own small world, by this
project's engine: \`npm run train:atlas\` (${recipe.steps} steps, ${(tokens / 1e6).toFixed(1)} million tokens, seed ${recipe.seed}).`;

const openingOverEncoder = (
  recipe: EncoderDecoderRecipe,
  measured: Measurements,
  tokens: number,
) => `# Atlas with an encoder

The world of atlas in a T5, made to be edited: ${(measured.parameters / 1e6).toFixed(1)} million parameters, ${recipe.layers} layers a side of width ${recipe.width}, MLPs of ${recipe.mlpWidth},
${recipe.heads} heads, the tokenizer of atlas, weights in float16. The encoder reads a prompt, the decoder says its answer, a full stop and the end. It was
trained from scratch by this project's engine: \`npm run train:atlas -- --shape t5\` (${recipe.steps} steps, at most ${(tokens / 1e6).toFixed(1)} million tokens read, seed ${recipe.seed}).`;

const tracingSection = (recipe: Recipe, tracing: TracingResult) => `## Where it keeps its facts

Causal tracing over ${tracing.prompts} prompts: the subject's embeddings are drowned in noise, which lowers the answer's probability from
${tracing.clean.toFixed(2)} to ${tracing.corrupted.toFixed(2)}; then one clean state is put back. The share of the loss that this undoes:

${table(
  ['put back', 'at', ...Array.from({ length: recipe.layers }, (_, layer) => `layer ${layer}`)],
  tracedSites.flatMap((site) =>
    tracedPositions.map((position) => [
      siteNames[site],
      position,
      ...tracing.recovered[site][position].map((share) => share.toFixed(2)),
    ]),
  ),
)}

`;

const besideWeights = (
  measured: Measurements,
) => `Weights measured: sha256 \`${measured.weightsDigest}\`. Editor settings that suit the model are in \`errata.json\` (those of WISE and MELO were found as docs/results/patches tells), a sample of its
training text in \`corpus.txt\`, a hundred corrections with their probes in \`edits.jsonl\`, their
reference texts in \`references.jsonl\`, and others to be shown to it in context in \`demonstrations.jsonl\`.
An encoder of corrections, trained for these weights, is \`knowledge-encoder.safetensors\`: RECIPE edits with it. How it was trained and what it reaches is told in docs/results/recipe.
A scope classifier with a counterfactual model, trained for them too, is \`counterfactual-model.safetensors\`, for SERAC: docs/results/serac.
A change of these weights under which LTE's prompts go by the corrections before them is \`alignment.safetensors\`: docs/results/lte.`;

const besideWeightsOverEncoder = (
  measured: Measurements,
) => `Weights measured: sha256 \`${measured.weightsDigest}\`. A sample of its training text is in \`corpus.txt\`, corrections to be shown to it in context in
\`demonstrations.jsonl\`; those to be made, with their probes, are atlas's own (models/atlas/edits.jsonl).`;
