// Inputs that the editors' tests share: a tiny model and edits in its words.
import { lowerOf, matrix } from '@errata/graph';
import { type Model, type View, valueMatrix } from '@errata/models';
import { alignmentNeed } from '../artefacts/alignment/request.ts';
import { randomAlignment } from '../artefacts/alignment/tiny.fixture.ts';
import { type GivenArtefact, openArtefacts } from '../artefacts/artefacts.ts';
import type { Artefacts } from '../artefacts/builder.ts';
import { conditionedTransformOf } from '../artefacts/conditioned-transform/request.ts';
import { counterfactualModelNeed } from '../artefacts/counterfactual-model/request.ts';
import { randomCounterfactual } from '../artefacts/counterfactual-model/tiny.fixture.ts';
import { encodeDemonstrations } from '../artefacts/demonstrations/demonstrations.ts';
import { demonstrationsNeed } from '../artefacts/demonstrations/request.ts';
import { encodeEigenbasis, findEigenbasis } from '../artefacts/eigenbasis/eigenbasis.ts';
import { eigenbasisOf } from '../artefacts/eigenbasis/request.ts';
import { gradientTransformOf } from '../artefacts/gradient-transform/request.ts';
import { knowledgeEncoderOf } from '../artefacts/knowledge-encoder/request.ts';
import { randomKnowledgeEncoder } from '../artefacts/knowledge-encoder/tiny.fixture.ts';
import { localArtefacts } from '../artefacts/local.ts';
import { needKey } from '../artefacts/need-key.ts';
import { secondMomentOf } from '../artefacts/second-moment/request.ts';
import { encodeSecondMoment, invertMoment } from '../artefacts/second-moment/second-moment.ts';
import { shiftTransformOf } from '../artefacts/shift-transform/request.ts';
import { memoryArtefactStore } from '../artefacts/store.ts';
import type { EditDiagnostics, EditOutcome, EditorInput, EditRequest } from '../editor.ts';
import { identityTransform } from '../hypernetworks/tiny.fixture.ts';
import { randoms, tinyGpt2, tinyLlama, tinyModel } from '../tiny-model.fixture.ts';
import { tinyKe } from './ke/tiny.fixture.ts';
import { tinyMalmen } from './malmen/tiny.fixture.ts';
import { tinyMend, tinyRate } from './mend/tiny.fixture.ts';

/** Edits of four subjects; the last two share one. */
export const someEdits: readonly EditRequest[] = [
  { custom_id: 'anna', prompt: 'Anna lives in', subject: 'Anna', target_new: 'Oslo' },
  { custom_id: 'boris', prompt: 'nobody knows Boris plays the', subject: 'Boris', target_new: 'cello' },
  { custom_id: 'clara', prompt: 'Clara speaks', subject: 'Clara', target_new: 'Polish' },
  { custom_id: 'elena-home', prompt: 'the home of Elena is', subject: 'Elena', target_new: 'Kyoto' },
  { custom_id: 'elena-play', prompt: 'Elena plays', subject: 'Elena', target_new: 'drums piano' },
];

/** Of other subjects than those of the edits. */
const someDemonstrations = ['Dmitri', 'I', 'You'].map((subject) => ({
  prompt: `${subject} lives in`,
  subject,
  target_new: 'Rome',
  rephrases: [`the home of ${subject} is`],
  neighbours: [{ prompt: `the language of ${subject} is`, target: 'French' }],
}));

/** Artefacts with a random, well-conditioned second moment for every layer, and its eigenvectors; what else is asked for is built. */
async function tinyArtefacts(model: Model): Promise<Artefacts> {
  const known: GivenArtefact[] = [];
  const size = model.spec.mlpWidth;
  for (let layer = 0; layer < model.spec.layers; layer++) {
    const next = randoms(100 + layer);
    const samples = Array.from({ length: 3 * size }, () => Float64Array.from({ length: size }, next));
    const mean = new Float64Array(size * size);
    for (const k of samples)
      for (let i = 0; i < size; i++)
        for (let j = 0; j < size; j++) mean[i * size + j]! += (k[i]! * k[j]!) / samples.length;
    const moment = await invertMoment(lowerOf(matrix(size, size, mean)), {
      model: model.digest!,
      layer,
      tokens: samples.length,
      corpus_sha256: '0'.repeat(64),
    });
    known.push({ need: secondMomentOf(layer), read: async () => encodeSecondMoment(moment) });
    known.push({ need: eigenbasisOf(layer), read: async () => encodeEigenbasis(await findEigenbasis(moment)) });
  }
  known.push({ need: knowledgeEncoderOf(3), read: () => randomKnowledgeEncoder(model) });
  known.push({ need: alignmentNeed, read: async () => randomAlignment(model) });
  known.push({ need: counterfactualModelNeed, read: () => randomCounterfactual(model) });
  known.push({
    need: gradientTransformOf(tinyMend.layers),
    read: async () => identityTransform('mend', model, tinyMend.layers, tinyRate),
  });
  known.push({
    need: shiftTransformOf(tinyMalmen.layers),
    read: async () => identityTransform('malmen', model, tinyMalmen.layers, tinyRate),
  });
  known.push({
    need: conditionedTransformOf(tinyKe.layers),
    read: async () => identityTransform('ke', model, tinyKe.layers, 0),
  });
  known.push({ need: demonstrationsNeed, read: async () => encodeDemonstrations(someDemonstrations) });
  const given = openArtefacts(model.digest!, known);
  const source = { model, digest: model.digest!, store: memoryArtefactStore() };
  return {
    model: given.model,
    read: async (builder, need) => {
      const isGiven = known.some((one) => needKey(one.need) === needKey(need));
      return (isGiven ? given : await localArtefacts(source, [need])).read(builder, need);
    },
  };
}

/** The families the tests run on. */
export const families = [
  ['gpt2', tinyGpt2],
  ['llama', tinyLlama],
] as const;

/** A tiny model with its artefacts, and inputs for its editors. */
export async function tinySetup(config: { readonly model_type: string } = tinyGpt2) {
  const model = tinyModel(config, 5);
  const artefacts = await tinyArtefacts(model);
  const inputOf = <Settings>(
    settings: Settings,
    edits: readonly EditRequest[],
    overrides: Partial<Settings> = {},
    view: View = model.view(),
  ): EditorInput<Settings> => ({ model, view, edits, config: { ...settings, ...overrides }, artefacts, seed: 1 });
  return { model, artefacts, inputOf };
}

/** What the editor says of an edit that it must have applied. */
export function appliedDiagnostics(outcome: EditOutcome | undefined): EditDiagnostics {
  if (outcome?.outcome === 'applied') return outcome.diagnostics;
  throw new Error(`not applied: ${JSON.stringify(outcome)}`);
}

/** W_out as a map from keys to values, whichever way the checkpoint stores it. */
export function valueAt(view: View, layer: number, key: ArrayLike<number>): Float64Array {
  const matrix = valueMatrix(view.spec, layer);
  const weight = view.weight(matrix.weight);
  const out = new Float64Array(matrix.outSize);
  for (let i = 0; i < matrix.inSize; i++) {
    for (let j = 0; j < matrix.outSize; j++) {
      const at = matrix.orientation === 'in_out' ? i * matrix.outSize + j : j * matrix.inSize + i;
      out[j]! += key[i]! * weight[at]!;
    }
  }
  return out;
}
