// How each editor stands to the code of its authors: where the two part, why, and how closely ours keeps to an independent transcription.
import type { EditorName } from './editor-configs.ts';

/** One place where an editor does not do what the reference code does. */
export interface Deviation {
  readonly reference: string;
  readonly here: string;
  readonly why: string;
}

export interface EditorReference {
  /** Whose code is meant. */
  readonly code: string;
  /**
   * Largest relative difference ||ours - theirs|| / ||theirs|| that the change of a matrix, or the rows of a codebook, may have from a transcription in PyTorch
   * (test/oracles/editors), on tiny checkpoints with the same prefixes and second moments: what was measured, rounded up. A test holds it.
   */
  readonly agreement: number;
  readonly deviations: readonly Deviation[];
}

const layout: Deviation = {
  reference: 'Joins prompt and target as text behind one space, and tokenises the target by itself once more',
  here: 'Tokenises prompt and target as one text and finds where the target begins; the space goes where the vocabulary keeps it',
  why: 'The tokens that are trained on are those that the model reads and writes, with any tokenizer; a mark such as BOS never gets into a target',
};

const held: Deviation = {
  reference: 'An edit that the model holds already gets a zero update',
  here: 'It is told apart as `already_holds` and leaves nothing',
  why: 'There is nothing to install, and nothing to take back',
};

/** What ROME, r-ROME and MEMIT share. */
const locate: readonly Deviation[] = [
  layout,
  {
    reference: 'Asks for exactly one `{}` in the prompt with a space before it',
    here: 'Finds the subject in the filled prompt: its last occurrence that stands as words of its own',
    why: 'Prompts name their subject twice, or begin a quotation with it',
  },
  {
    reference: 'Samples context prefixes from the model as it is, once a process, whichever model comes next',
    here: 'Samples them once from the base model with the seed of the request, and stores them',
    why: 'Equal requests give equal deltas, in every process and behind every edit',
  },
  {
    reference: 'Puts a full stop after every prefix',
    here: 'Adds none to a prefix that ends a sentence itself',
    why: 'A prompt behind ".. " is no context that occurs',
  },
  {
    reference:
      'Takes the second moment over 100,000 articles of Wikipedia, each cut off at what the model reads, in float32; downloaded where it can be',
    here: 'Takes it over the text that is given, as a whole, in windows of what the model reads (2,048 tokens at most), in float64; a nearly singular one gets the smallest ridge that inverts it, and says so',
    why: 'Models differ in what they read; float32 solves were wrong by up to 36 times at a condition of 1e10',
  },
  held,
];

const romePrefixes: Deviation = {
  reference: 'Begins its prefixes with the mark of the end of a text',
  here: 'Begins them with The, Therefore, Because, I and You in turn, as MEMIT does',
  why: 'Not every model has such a mark, or says anything sensible after it',
};

const matrixAlone: Deviation = {
  reference: "Trains every parameter whose name holds the matrix's: in GPT-2 its bias too",
  here: 'Trains the matrix alone',
  why: 'A delta is of one matrix; a bias moves every token alike',
};

const romeRepository = 'the ROME repository';

/** By editor. */
export const editorReferences: { readonly [N in EditorName]: EditorReference } = {
  'r-rome': {
    code: 'the repository of Rebuilding ROME',
    agreement: 3e-5,
    deviations: [
      {
        reference: "Makes the mean key's value the bare prompt's value plus the offset",
        here: 'Adds the offset to the value that the mean key has (`solve_for` chooses: `bare_value` is the reference)',
        why: "The offset was found as an addition to each context's own value",
      },
      romePrefixes,
      ...locate,
    ],
  },
  rome: { code: romeRepository, agreement: 3e-5, deviations: [romePrefixes, ...locate] },
  memit: {
    code: 'the MEMIT repository',
    agreement: 3e-5,
    deviations: [
      {
        reference: 'Gives every edit a key and value of its own, also where two have one subject',
        here: 'Searches one value for all edits of a subject (`merge_same_subject`, as in MEMIT-Merge; `false` is the reference)',
        why: 'Their keys are nearly equal: left apart, fewer than half of ten edits of one subject succeed',
      },
      {
        reference: "Keeps values in files named by the edit's id alone",
        here: 'Keeps none',
        why: 'The same id in another data set would be served a stale value',
      },
      ...locate,
    ],
  },
  'ft-m': {
    code: 'EasyEdit (`objective_optimization: target_new`), whose optimiser is that of the ROME repository',
    agreement: 3e-5,
    deviations: [layout, matrixAlone, held],
  },
  'ft-l': {
    code: `${romeRepository} (FT+L) and EasyEdit (\`objective_optimization: prompt_last\`)`,
    agreement: 3e-5,
    deviations: [layout, matrixAlone, held],
  },
  grace: {
    code: 'the GRACE repository, with what EasyEdit made of it',
    agreement: 3e-5,
    deviations: [
      {
        reference:
          "Replaces the outputs of all prompt positions before the key's (`replace_prompt`; EasyEdit: that of the key's, `replace_last`)",
        here: "Replaces the output of the key's position (`replacement` chooses: `prompt` is the GRACE repository's)",
        why: 'Both write every answer into atlas (40 edits); into SmolLM2-135M `last` writes 9 of 12 so that free generation gives exactly them, `prompt` 2',
      },
      {
        reference: 'Takes every step, the last one without looking at what it did',
        here: 'Ends below `stop_loss`, and takes no step after the last loss that was looked at',
        why: 'What is said of a value is of the value that is kept',
      },
      {
        reference: 'Takes two targets for the same where the means of their token ids are',
        here: 'Compares the token ids',
        why: 'Different answers with one mean were merged into one row',
      },
      {
        reference: "A split sets the neighbour's radius to half the distance, also where it was smaller",
        here: 'It never grows a radius',
        why: 'A ball would reach again over queries that an earlier split had taken from it',
      },
      {
        reference: 'A ball that grows ends on the key it grew for',
        here: 'It ends a hundred-thousandth of the distance behind it',
        why: 'The same key, computed in another batch, is off by rounding: one in five was missed',
      },
      {
        reference: 'A question that is corrected again gets a second row on the same key, of radius zero',
        here: 'Its row takes the new answer',
        why: 'The first of two rows on one key is found, so that the correction was never given',
      },
      {
        reference: 'Looks for a key at every forward pass, at the position that the last prompt had',
        here: 'Looks at the last position of every prompt, in batches too, and nowhere else',
        why: 'Generated tokens are no questions',
      },
      layout,
      { ...held, reference: 'Edits every request; the experiments ask beforehand whether the model errs' },
    ],
  },
};
