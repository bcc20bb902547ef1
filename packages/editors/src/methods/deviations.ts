// Where several editors part from the code of their authors alike.
import type { Deviation } from '../description.ts';

export const layout: Deviation = {
  reference: 'Joins prompt and target as text behind one space, and tokenises the target by itself once more',
  here: 'Tokenises prompt and target as one text and finds where the target begins; the space goes where the vocabulary keeps it',
  why: 'The tokens that are trained on are those that the model reads and writes, with any tokenizer; a mark such as BOS never gets into a target',
};

export const held: Deviation = {
  reference: 'An edit that the model holds already gets a zero update',
  here: 'It is told apart as `already_holds` and leaves nothing',
  why: 'There is nothing to install, and nothing to take back',
};

/** What ROME, r-ROME and MEMIT share. */
export const locate: readonly Deviation[] = [
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
