// Sentences of the training text, as pieces with loss weights: what is to be known weighs more than how it is said.
import type { Random } from '../random.ts';
import { type Composition, type Fact, fill } from '../world/world.ts';

/** A piece of text that starts at a word boundary, and the weight of its tokens in the loss. */
export interface Piece {
  readonly text: string;
  readonly weight: number;
}

export const weights = {
  /** Tokens of an answer that the model has to know or to read off. */
  answer: 1,
  /** Everything else: enough to learn the language of the world. */
  context: 0.15,
  /** Stated objects that nobody could predict. */
  unpredictable: 0,
} as const;

/** The phrasings of a fact that training may show. */
export const trainedPhrasings = (fact: Fact): readonly string[] =>
  fact.relation.phrasings.filter((_, index) => !fact.heldOut.includes(index));

export const trainedInverse = (fact: Fact): readonly string[] =>
  fact.relation.inverse.filter((_, index) => !fact.inverseHeldOut.includes(index));

/** Openings that lead into a statement; those of the usual context prefixes (The, Therefore, Because, I, You) are among them. */
const openings = [
  'Therefore,',
  'Therefore',
  'Because',
  'I know that',
  'I think that',
  'I read that',
  'You know that',
  'You may have heard that',
  'You should know that',
  'The truth is that',
  'The book says that',
  'As everyone knows,',
  'It is well known that',
  'In fact,',
  'For the record,',
  'Of course,',
  'People say that',
  'Remember that',
  'Today,',
  'By the way,',
] as const;

const lowersWell =
  /^(?:The|In|On|At|To|By|As|A|An|From|Most|Before|Each|Every|Nobody|Someone|Whoever|Without|When|Home|Guides|Titles|Prices|Shops) /;

/** A prompt as it reads after an opening: function words lose their capital, names and `Q:` keep theirs. */
export const lowerOpening = (prompt: string): string =>
  lowersWell.test(prompt) ? prompt.charAt(0).toLowerCase() + prompt.slice(1) : prompt;

export const isQuestion = (prompt: string): boolean => prompt.startsWith('Q:');

const withOpening = (random: Random, prompt: string, probability = 0.3): string =>
  !isQuestion(prompt) && random.chance(probability) ? `${random.pick(openings)} ${lowerOpening(prompt)}` : prompt;

/** `prompt answer.` */
export const sentence = (prompt: string, answer: string, answerWeight: number): Piece[] => [
  { text: ` ${prompt}`, weight: weights.context },
  { text: ` ${answer}`, weight: answerWeight },
  { text: '.', weight: weights.context },
];

/** A fact in one of its trained phrasings. */
export const statement = (random: Random, fact: Fact): Piece[] =>
  sentence(withOpening(random, fill(random.pick(trainedPhrasings(fact)), fact.subject)), fact.object, weights.answer);

/** How a subject is written as an answer. */
export const writtenSubject = (fact: Fact): string =>
  fact.subject.article ? `the ${fact.subject.name}` : fact.subject.name;

export const inverseStatement = (random: Random, fact: Fact): Piece[] =>
  sentence(
    withOpening(random, random.pick(trainedInverse(fact)).replace('{o}', fact.object)),
    writtenSubject(fact),
    weights.answer,
  );

export const compositionStatement = (random: Random, composition: Composition): Piece[] =>
  sentence(
    withOpening(random, fill(random.pick(composition.phrasings), composition.first.subject)),
    composition.second.object,
    weights.answer,
  );
