// Causal tracing (Meng et al. 2022, section 2.1): where between the subject and the answer a fact is looked up.
import { embeddingDeviation, subjectNoise, type TracedFact, traceFact } from '@errata/editors';
import { layOut, type Site, subjectSpan, type Tokenizer, type View } from '@errata/models';
import { trainedPhrasings } from '../corpus/sentences.ts';
import { seeded } from '../random.ts';
import { fill, type World } from '../world/world.ts';

/** Positions whose clean state is put back: the subject's last token, the token after it, and the prompt's last. */
export const tracedPositions = ['subject last', 'after subject', 'prompt last'] as const;
export type TracedPosition = (typeof tracedPositions)[number];

/** Sites that are put back, a single layer for the residual stream and three in a row for the MLP. */
export const tracedSites = ['block_out', 'mlp_out'] as const satisfies readonly Site[];
export type TracedSite = (typeof tracedSites)[number];

export interface TracingResult {
  readonly prompts: number;
  /** Mean probability of the answer's first token with the subject clean, and with it corrupted. */
  readonly clean: number;
  readonly corrupted: number;
  /** Share of the lost probability that comes back, by site and position, one number a layer. */
  readonly recovered: Readonly<Record<TracedSite, Readonly<Record<TracedPosition, readonly number[]>>>>;
}

const corruptedRuns = 5;
/** Noise added to the subject's embeddings, in standard deviations of the embedding table. */
const noiseScale = 3;
const mlpWindow = 1;

function drawCases(world: World, tokenizer: Tokenizer, count: number): TracedFact[] {
  const random = seeded('tracing', world.seed);
  const cases: TracedFact[] = [];
  for (const fact of random.sample(world.facts, world.facts.length)) {
    if (cases.length === count) break;
    const prompt = fill(random.pick(trainedPhrasings(fact)), fact.subject);
    const { promptIds, targetIds } = layOut(tokenizer, prompt, fact.object);
    const { first, last } = subjectSpan(tokenizer, prompt, fact.subject.name);
    // The three positions are to be distinct.
    if (last + 2 > promptIds.length - 1) continue;
    cases.push({ custom_id: prompt, ids: promptIds, subject: [first, last], answer: targetIds[0]! });
  }
  return cases;
}

/**
 * Traces facts that the model knows: embeddings of the subject are corrupted, then one state is put back at a time.
 * @param count prompts traced; those whose answer the model gives less than half its belief are passed over
 */
export async function traceFacts(
  view: View,
  tokenizer: Tokenizer,
  world: World,
  count: number,
): Promise<TracingResult> {
  const { layers, width, vocab } = view.spec;
  const everyToken = Array.from({ length: vocab }, (_, id) => id);
  const deviation = noiseScale * embeddingDeviation(view, everyToken);
  const sums = Object.fromEntries(
    tracedSites.map((site) => [
      site,
      Object.fromEntries(tracedPositions.map((p) => [p, new Array<number>(layers).fill(0)])),
    ]),
  ) as Record<TracedSite, Record<TracedPosition, number[]>>;
  let traced = 0;
  let cleanSum = 0;
  let corruptedSum = 0;
  for (const [index, fact] of drawCases(world, tokenizer, count * 2).entries()) {
    if (traced === count) break;
    const [, last] = fact.subject;
    const positions = [last, last + 1, fact.ids.length - 1];
    const noise = subjectNoise(fact, width, { runs: corruptedRuns, deviation, seed: world.seed, fact: index });
    const settings = { noise, window: mlpWindow, copies: corruptedRuns * positions.length, positions };
    const { clean, corrupted, restored } = await traceFact(view, fact, settings);
    if (clean < 0.5 || clean - corrupted < 0.1) continue;
    traced++;
    cleanSum += clean;
    corruptedSum += corrupted;
    for (const site of tracedSites)
      for (const [i, name] of tracedPositions.entries())
        for (let layer = 0; layer < layers; layer++)
          sums[site][name][layer]! += (restored[site][layer]![positions[i]!]! - corrupted) / (clean - corrupted);
  }
  for (const site of tracedSites)
    for (const name of tracedPositions) for (let layer = 0; layer < layers; layer++) sums[site][name][layer]! /= traced;
  return { prompts: traced, clean: cleanSum / traced, corrupted: corruptedSum / traced, recovered: sums };
}
