// Prompt templates: how an item becomes text. A template's words are part of a number's meaning, so each has a name and a version.

/** A way of writing items, and the version of its words: change a word, and the version goes up. */
export interface Template<Write> {
  readonly name: string;
  readonly version: number;
  readonly write: Write;
}

const letterOf = (option: number): string => String.fromCharCode('A'.charCodeAt(0) + option);

/** The question alone; the options are not shown, each is weighed as its answer (Brown et al. 2020, section 2.4). */
export const question = {
  name: 'question',
  version: 1,
  write: (text: string) => `Question: ${text.trim()}\nAnswer:`,
} as const satisfies Template<unknown>;

/** Question and options under letters; a letter is the answer (Hendrycks et al. 2021; RECIPE's evaluation). */
export const letters = {
  name: 'letters',
  version: 1,
  write: (text: string, options: readonly string[]) => ({
    prompt: [text.trim(), ...options.map((option, index) => `${letterOf(index)}. ${option.trim()}`), 'Answer:'].join(
      '\n',
    ),
    options: options.map((_, index) => letterOf(index)),
  }),
} as const satisfies Template<unknown>;

/** A premise and a statement to judge by it in one word: True, Neither, False. */
export const verdict = {
  name: 'verdict',
  version: 1,
  write: (premise: string, hypothesis: string) =>
    `${premise.trim()}\nClaim: ${hypothesis.trim()}\nIs the claim true, false, or neither?\nAnswer:`,
} as const satisfies Template<unknown>;

/** A passage and a question about it, for an answer of one line. */
export const passage = {
  name: 'passage',
  version: 1,
  write: (context: string, text: string, unanswerable: string) =>
    `Answer the question from the passage. If the passage does not answer it, say ${unanswerable}.\n` +
    `Passage: ${context.trim()}\nQuestion: ${text.trim()}\nAnswer:`,
} as const satisfies Template<unknown>;

/** The text as it stands, for models that only go on with sentences: a prompt to complete. */
export const cloze = {
  name: 'cloze',
  version: 1,
  write: (text: string) => text.trim(),
} as const satisfies Template<unknown>;

/** A passage and a prompt to complete from it, one space between them. */
export const sequel = {
  name: 'sequel',
  version: 1,
  write: (context: string, text: string) => `${context.trim()} ${text.trim()}`,
} as const satisfies Template<unknown>;
