// Passages that state a new fact: it is followed where the question is about it, and ignored where it is not.
import type { Random } from '../random.ts';
import { type Fact, fill, type World } from '../world/world.ts';
import { isQuestion, lowerOpening, type Piece, sentence, trainedPhrasings, weights } from './sentences.ts';

/** A fact as a passage states it: the object differs from what the world says. */
export interface NewFact {
  readonly fact: Fact;
  readonly object: string;
}

const introductions = [
  'New fact:',
  'New Fact:',
  'Update:',
  'Correction:',
  'Note:',
  'Edit:',
  'Breaking news:',
  'Please remember:',
  'The record was changed:',
  'Attention:',
  'Imagine that',
  'Suppose that',
  'Assume that',
  'It was announced today that',
  'We have just learned that',
  'Contrary to what was thought,',
  'From now on,',
  'As of this year,',
  'In this story,',
  'According to the latest record,',
] as const;

const links = ['Therefore,', 'So', 'Now', 'Then', 'Consequently,', 'This means that'] as const;

/** Statements read as statements: questions are left out. */
export const statingPhrasings = (fact: Fact): readonly string[] =>
  trainedPhrasings(fact).filter((phrasing) => !isQuestion(phrasing));

/** Another object of the same relation. */
export function otherObject(world: World, random: Random, fact: Fact): string {
  const objects = world.objectsByRelation.get(fact.relation.id)!;
  for (;;) {
    const object = random.pick(objects);
    if (object !== fact.object) return object;
  }
}

const syllables =
  'ba be bo da de do fa fe ga go ka ke ko la le lo ma me mi mo na ne no pa pe ra re ri ro sa se so ta te to va ve vo za zu'.split(
    ' ',
  );

/** A subject nobody has heard of: what is asked about it can only be read off the passage. */
function unheardName(random: Random): string {
  const word = () => {
    const text = Array.from({ length: 2 + random.below(2) }, () => random.pick(syllables)).join('');
    return text.charAt(0).toUpperCase() + text.slice(1);
  };
  return random.chance(0.5) ? word() : `${word()} ${word()}`;
}

/** A new fact for a passage; half of them are about subjects the world does not have. */
export function drawNewFact(world: World, random: Random, facts: readonly Fact[]): NewFact {
  const fact = random.pick(facts);
  const object = otherObject(world, random, fact);
  if (!random.chance(0.5)) return { fact, object };
  return { fact: { ...fact, subject: { ...fact.subject, name: unheardName(random), article: false } }, object };
}

const state = (random: Random, { fact, object }: NewFact, phrasing: string, introduction: string): Piece[] => {
  const prompt = fill(phrasing, fact.subject);
  const lower = !introduction.endsWith(':') || random.chance(0.5);
  return sentence(`${introduction} ${lower ? lowerOpening(prompt) : prompt}`, object, weights.unpredictable);
};

const ask = (random: Random, fact: Fact, object: string, avoid: string | undefined): Piece[] => {
  const phrasings = trainedPhrasings(fact).filter((phrasing) => phrasing !== avoid);
  const prompt = fill(random.pick(phrasings), fact.subject);
  const linked = !isQuestion(prompt) && random.chance(0.2) ? `${random.pick(links)} ${lowerOpening(prompt)}` : prompt;
  return sentence(linked, object, weights.answer);
};

/** A question that the stated facts do not answer: of the same subject, of the same relation, or of neither. */
function irrelevantFact(world: World, random: Random, stated: readonly NewFact[], facts: readonly Fact[]): Fact {
  const { fact } = random.pick(stated);
  const kind = random.below(3);
  const pool =
    kind === 0
      ? (world.factsBySubject.get(fact.subject) ?? [])
      : kind === 1
        ? world.factsByRelation.get(fact.relation.id)!
        : facts;
  const answered = (candidate: Fact) =>
    stated.some(
      (other) => other.fact.subject.name === candidate.subject.name && other.fact.relation === candidate.relation,
    );
  const open = pool.filter((candidate) => !answered(candidate));
  return open.length > 0 ? random.pick(open) : random.pick(facts);
}

/** One or more new facts, then questions: some are answered by what was stated, the others as ever. */
export function inlinePassage(world: World, random: Random, facts: readonly Fact[]): Piece[] {
  const count = 1 + random.weighted([0.5, 0.3, 0.2]);
  const stated: NewFact[] = [];
  const phrasingOf = new Map<NewFact, string>();
  const pieces: Piece[] = [];
  for (let i = 0; i < count; i++) {
    const fresh = drawNewFact(world, random, facts);
    if (stated.some((other) => other.fact.subject.name === fresh.fact.subject.name)) continue;
    const phrasing = random.pick(statingPhrasings(fresh.fact));
    stated.push(fresh);
    phrasingOf.set(fresh, phrasing);
    pieces.push(...state(random, fresh, phrasing, random.pick(introductions)));
  }
  for (const fresh of random.sample(stated, stated.length)) {
    if (random.chance(0.4)) {
      const other = irrelevantFact(world, random, stated, facts);
      pieces.push(...ask(random, other, other.object, undefined));
    }
    // Now and then the question repeats the statement's own words.
    pieces.push(...ask(random, fresh.fact, fresh.object, random.chance(0.5) ? phrasingOf.get(fresh) : undefined));
  }
  if (random.chance(0.5)) {
    const other = irrelevantFact(world, random, stated, facts);
    pieces.push(...ask(random, other, other.object, undefined));
  }
  return pieces;
}

const layouts = [
  { fact: 'New Fact:', prompt: 'Prompt:' },
  { fact: 'New fact:', prompt: 'Prompt:' },
  { fact: '[Updated Information]', prompt: '[Query]' },
  { fact: 'Context:', prompt: 'Question:' },
] as const;

/** Blocks of a stated fact and a prompt on lines of their own, as demonstrations are laid out. */
export function linedPassage(world: World, random: Random, facts: readonly Fact[]): Piece[] {
  const layout = random.pick(layouts);
  const pieces: Piece[] = [];
  const blocks = 1 + random.below(3);
  for (let i = 0; i < blocks; i++) {
    if (i > 0) pieces.push({ text: '\n', weight: weights.context }, { text: '\n', weight: weights.context });
    const fresh = drawNewFact(world, random, facts);
    const phrasing = random.pick(statingPhrasings(fresh.fact));
    const relevant = random.chance(0.5);
    const [asked, answer] = relevant
      ? ([fresh.fact, fresh.object] as const)
      : (() => {
          const other = irrelevantFact(world, random, [fresh], facts);
          return [other, other.object] as const;
        })();
    const question = fill(random.pick(trainedPhrasings(asked)), asked.subject);
    const opening = i === 0 ? ` ${layout.fact}` : layout.fact;
    pieces.push(
      { text: `${opening} ${fill(phrasing, fresh.fact.subject)}`, weight: weights.context },
      { text: ` ${fresh.object}`, weight: weights.unpredictable },
      { text: '.', weight: weights.context },
      { text: '\n', weight: weights.context },
      { text: `${layout.prompt} ${question}`, weight: weights.context },
      { text: ` ${answer}`, weight: weights.answer },
      { text: '.', weight: weights.context },
    );
  }
  return pieces;
}
