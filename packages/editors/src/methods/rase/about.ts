// RASE, described: patches of ROME, each of which acts on the prompts that an encoder finds its correction for (Han et al. 2023).
import { knowledgeEncoderOf } from '../../artefacts/knowledge-encoder/request.ts';
import type { DefaultRow, Deviation, EditorDescription } from '../../description.ts';
import { rome } from '../rome/about.ts';
import { raseSettings } from './settings.ts';

export const rasePaper =
  'Han et al. 2023, Improving Sequential Model Editing with Fact Retrieval (Findings of EMNLP 2023)';

export const gateDefaults: DefaultRow = {
  match: {},
  settings: () => ({ prompt_tokens: 3, threshold: 0.9, lead: 0.15, spread: 0.05, among: 5 }),
  source: "the paper's gate (0.9; or 0.15 and 0.05 among five); `prompt_tokens` as RECIPE has it",
};

/** Where the memory of RASE parts from the authors' code, whoever makes the patches. */
export const gateDeviations: readonly Deviation[] = [
  {
    reference:
      'Two RoBERTas, for facts and for sentences, trained by three contrastive losses on Wikidata triples and their wordings',
    here: "RECIPE's knowledge encoder: its head for corrections reads facts, its head for queries reads sentences",
    why: 'It is trained by a contrastive loss of queries and corrections too, and a model needs one encoder, not two',
  },
  {
    reference: 'The key of a fact is made of "subject || question", without its answer',
    here: 'It is made of the correction as a statement',
    why: 'That is what the head for corrections was trained on; a prompt is asked for without its answer all the same',
  },
  {
    reference: 'Of encoder-decoders adds the cosine of the query and the texts that were edited before',
    here: 'Takes the cosine of query and fact alone, as their code for GPT-2 does',
    why: 'Which of the two is meant, paper and code do not say alike',
  },
  {
    reference: 'May have a large language model choose among the candidates',
    here: 'Has none',
    why: 'Whether an edit speaks is decided here',
  },
  {
    reference: 'Adds a patch to the weights, answers one prompt, and takes it away again',
    here: 'Runs prompts of several patches, and of none, in one batch, each with its own',
    why: 'Requests come at once, and weights that are added to and taken from are not what they were',
  },
  {
    reference: 'A new patch of the same fact takes the place of the one before',
    here: 'So does one of the same prompt',
    why: 'What is a fact, nobody says here',
  },
];

export const rase = {
  title: 'RASE: patches of ROME, retrieved',
  paper: rasePaper,
  settings: raseSettings,
  defaults: [...rome.defaults, gateDefaults],
  misfit: rome.misfit,
  needs: (settings, shape, seed) => [knowledgeEncoderOf(settings.prompt_tokens), ...rome.needs(settings, shape, seed)],
  batched: false,
  subject: 'required',
  overEncoder: rome.overEncoder,
  leaves: ['patch_rows'],
  reference: {
    code: "the authors' repository, and the ROME repository",
    compared: 'Vectors of corrections and patches',
    agreement: 1e-4,
    deviations: [...gateDeviations, ...rome.reference.deviations],
  },
  load: () => import('#methods/rase/edit'),
} as const satisfies EditorDescription<typeof raseSettings>;
