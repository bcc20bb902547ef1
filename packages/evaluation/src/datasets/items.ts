// What a general-ability data set holds: one typed item a question, whatever file it came from.

/** A question with options of which one is right: CommonsenseQA, MMLU. */
export interface MultipleChoiceItem {
  readonly kind: 'multiple_choice';
  readonly id: string;
  readonly question: string;
  /** At least two. */
  readonly options: readonly string[];
  /** Index of the right option. */
  readonly answer: number;
  /** The field of knowledge, where the data set names one: an MMLU task, a CommonsenseQA concept. */
  readonly subject?: string;
}

export const entailmentLabels = ['entailment', 'neutral', 'contradiction'] as const;
export type EntailmentLabel = (typeof entailmentLabels)[number];

/** Does the premise imply, leave open or rule out the hypothesis: ANLI. */
export interface EntailmentItem {
  readonly kind: 'entailment';
  readonly id: string;
  readonly premise: string;
  readonly hypothesis: string;
  readonly label: EntailmentLabel;
  /** The hypothesis with the opposite truth, where the data set gives it: for models that can only prefer one text to another. */
  readonly contrast?: string;
  /** A part of the data set that is also looked at alone: a genre of ANLI, a kind of inference. */
  readonly group?: string;
}

/** A question about a passage: SQuAD 2.0. */
export interface ReadingItem {
  readonly kind: 'reading';
  readonly id: string;
  readonly context: string;
  readonly question: string;
  /** Any of them is right; empty exactly when the passage does not answer the question. */
  readonly answers: readonly string[];
  readonly impossible: boolean;
  readonly title?: string;
}

/** A question, or a prompt to complete, without a passage: open-domain questions, known facts. */
export interface QuestionItem {
  readonly kind: 'question';
  readonly id: string;
  readonly prompt: string;
  /** At least one; any of them is right. */
  readonly answers: readonly string[];
  /** What the question is for, where it came from an edit: `edit`, `rephrase`, `locality.neighbourhood` ... */
  readonly role?: string;
}

export type SuiteItem = MultipleChoiceItem | EntailmentItem | ReadingItem | QuestionItem;
export type SuiteItemKind = SuiteItem['kind'];
