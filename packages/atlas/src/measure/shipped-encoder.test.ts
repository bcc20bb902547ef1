// What comes with the shipped model for editors of its memory: RECIPE and SERAC edit strangers, and LTE facts of subjects, of whom nothing of it has read.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { edit, localArtefacts } from '@errata/editors';
import { artefactNeeds, resolveConfig } from '@errata/editors/catalogue';
import {
  decodeChange,
  decodeCounterfactual,
  decodeKnowledgeEncoder,
  encodePrompt,
  loadCheckpoint,
  openModel,
} from '@errata/models';
import { afterAll, describe, expect, it } from 'vitest';
import { drawStream, type StreamEdit } from '../edits/streams.ts';
import { alignmentName, atlasDirectory, counterfactualName, encoderName } from '../model-files.ts';
import { buildWorld } from '../world/world.ts';

const checkpoint = await loadCheckpoint(atlasDirectory);
const model = openModel(checkpoint);
checkpoint.close();
afterAll(() => model.release());

const drawn = (known: 'none' | 'test', strangers: number) =>
  drawStream(buildWorld(), { known, rounds: 1, part: 'test', strangers, order: 'edit' });
/** Four corrections of each of ten strangers. */
const strangers = drawn('none', 10);
/** Of what the model knows, one of each subject: words hardly tell those of one subject apart. */
const known = [...new Map(drawn('test', 0).map((one) => [one.subject, one])).values()].slice(0, 40);

describe.each([
  ['recipe', 'knowledge_encoder', encoderName, decodeKnowledgeEncoder, strangers],
  ['serac', 'counterfactual_model', counterfactualName, decodeCounterfactual, strangers],
  ['lte', 'alignment', alignmentName, decodeChange, known],
] as const)('what %s edits with', (editor, artefact, name, decode, stream) => {
  const bytes = new Uint8Array(readFileSync(join(atlasDirectory, name)));

  it('is of these weights, small enough to be shipped, and what errata.json names', () => {
    expect(decode(bytes).model).toBe(model.digest);
    expect(bytes.length).toBeLessThan(4 * 2 ** 20);
    const { artefacts } = JSON.parse(readFileSync(join(atlasDirectory, 'errata.json'), 'utf8')) as {
      readonly artefacts: Readonly<Record<string, string>>;
    };
    expect(artefacts[artefact]).toBe(name);
  });

  it('has forty corrections answered as they say, and what they are not about as before', async () => {
    const shape = { model_type: 'gpt2', layers: model.spec.layers, width: model.spec.width };
    const config = resolveConfig(editor, shape, undefined, {});
    const source = {
      model,
      digest: model.digest!,
      store: { get: async () => undefined, put: async () => {}, delete: async () => {} },
      brought: async (kind: string) => (kind === artefact ? bytes : undefined),
    };
    const artefacts = await localArtefacts(source, artefactNeeds(editor, config, shape, 0));
    const base = model.view();
    const edits = stream.map((one) => ({ portability: {}, ...one, join: undefined }));
    const { deltas } = await edit(editor, { model, view: base, edits, config, artefacts, seed: 0 } as never, {});
    const edited = base.with(deltas.map(({ delta }) => delta));
    const first = async (view: typeof base, prompts: readonly string[]) => {
      const logits = await view.nextLogits(prompts.map((prompt) => encodePrompt(model.tokenizer!, prompt)));
      return logits.map((row) => row.indexOf(Math.max(...row)));
    };
    const share = (of: (one: StreamEdit, at: number) => boolean) => stream.filter(of).length / stream.length;
    const wanted = stream.map(({ target_new }) => model.tokenizer!.encode(` ${target_new}`)[0]!);
    const own = await first(
      edited,
      stream.map(({ prompt }) => prompt),
    );
    const reworded = await first(
      edited,
      stream.map(({ rephrases }) => rephrases![0]!),
    );
    const away = stream.map(({ locality }) => locality!.neighbourhood![0]!.prompt);
    const [before, after] = [await first(base, away), await first(edited, away)];
    const shares = [
      share((_one, at) => own[at] === wanted[at]),
      share((_one, at) => reworded[at] === wanted[at]),
      share((_one, at) => before[at] === after[at]),
    ];
    expect(shares[0]).toBeGreaterThan(0.7);
    expect(shares[1]).toBeGreaterThan(0.5);
    expect(shares[2]).toBeGreaterThan(0.8);
  });
});
