// What the model knows: greedy answers, token by token, over every kind of question the world has.
import { layOut, type Tokenizer, type View } from '@errata/models';
import { drawNewFact, statingPhrasings } from '../corpus/passages.ts';
import { isQuestion, trainedInverse, trainedPhrasings, writtenSubject } from '../corpus/sentences.ts';
import { type Random, seeded } from '../random.ts';
import { type Fact, fill, type World } from '../world/world.ts';

/** A prompt and the answer the world has for it. */
export interface Asked {
  readonly prompt: string;
  readonly answer: string;
}

/** Share of questions answered right, every token of the answer by teacher-forced argmax. */
export interface Share {
  readonly asked: number;
  readonly right: number;
}

export const shareOf = ({ asked, right }: Share): number => (asked === 0 ? Number.NaN : right / asked);

/** Which of the questions the model answers as the world does. */
async function answeredRight(
  view: View,
  tokenizer: Tokenizer,
  questions: readonly Asked[],
): Promise<readonly boolean[]> {
  const items = questions.map(({ prompt, answer }) => {
    const { promptIds, targetIds } = layOut(tokenizer, prompt, answer);
    return { prompt: promptIds, target: targetIds };
  });
  const scores = await view.score(items);
  return scores.map(({ best }, index) => items[index]!.target.every((token, at) => best[at] === token));
}

const phrased = (fact: Fact, phrasings: readonly string[]): Asked[] =>
  phrasings.map((phrasing) => ({ prompt: fill(phrasing, fact.subject), answer: fact.object }));

const heldOutPhrasings = (fact: Fact): readonly string[] =>
  fact.heldOut.map((index) => fact.relation.phrasings[index]!);

const introductions = ['New fact:', 'Update:', 'Correction:', 'Imagine that', 'From now on,'] as const;

interface Stated {
  readonly follow: Asked[];
  readonly ignoreOtherSubject: Asked[];
  readonly ignoreOtherRelation: Asked[];
}

/** Statements of new facts about subjects of the world, each with a question it answers and questions it does not. */
function statedQuestions(world: World, random: Random, count: number): Stated {
  const stated: Stated = { follow: [], ignoreOtherSubject: [], ignoreOtherRelation: [] };
  const known = new Set(world.entities);
  while (stated.follow.length < count) {
    const { fact, object } = drawNewFact(world, random, world.facts);
    if (!known.has(fact.subject)) continue;
    const phrasing = random.pick(statingPhrasings(fact));
    const statement = `${random.pick(introductions)} ${fill(phrasing, fact.subject)} ${object}.`;
    const ask = (other: Fact, answer: string, phrasings: readonly string[]): Asked => ({
      prompt: `${statement} ${fill(random.pick(phrasings), other.subject)}`,
      answer,
    });
    stated.follow.push(
      ask(
        fact,
        object,
        fact.relation.phrasings.filter((p) => p !== phrasing),
      ),
    );
    const sibling = random.pick(
      world.factsByRelation.get(fact.relation.id)!.filter((other) => other.subject !== fact.subject),
    );
    stated.ignoreOtherSubject.push(ask(sibling, sibling.object, trainedPhrasings(sibling)));
    const others = world.factsBySubject.get(fact.subject)!.filter((other) => other.relation !== fact.relation);
    if (others.length > 0) {
      const other = random.pick(others);
      stated.ignoreOtherRelation.push(ask(other, other.object, trainedPhrasings(other)));
    }
  }
  return stated;
}

/** All kinds of questions that are measured; `sample` bounds each kind, for a quick look. */
export function questionSets(world: World, sample = Number.POSITIVE_INFINITY): ReadonlyMap<string, readonly Asked[]> {
  const random = seeded('measure', world.seed);
  const take = (questions: Asked[]): Asked[] =>
    questions.length <= sample ? questions : random.sample(questions, sample);
  const real = world.facts.filter((fact) => !fact.subject.fictional);
  const fictional = world.facts.filter((fact) => fact.subject.fictional);
  const inverse = (phrasings: (fact: Fact) => readonly string[]) =>
    world.facts.flatMap((fact) =>
      phrasings(fact).map((p): Asked => ({ prompt: p.replace('{o}', fact.object), answer: writtenSubject(fact) })),
    );
  const compositions = (heldOut: boolean) =>
    world.compositions
      .filter((composition) => composition.heldOut === heldOut)
      .flatMap(({ first, second, phrasings }) =>
        phrasings.map((p): Asked => ({ prompt: fill(p, first.subject), answer: second.object })),
      );
  const stated = statedQuestions(world, random, Math.min(sample, 1000));
  return new Map([
    ['trained phrasings', take(world.facts.flatMap((fact) => phrased(fact, trainedPhrasings(fact))))],
    ['held-out phrasings', take(world.facts.flatMap((fact) => phrased(fact, heldOutPhrasings(fact))))],
    ['real facts, trained phrasings', take(real.flatMap((fact) => phrased(fact, trainedPhrasings(fact))))],
    ['fictional facts, trained phrasings', take(fictional.flatMap((fact) => phrased(fact, trainedPhrasings(fact))))],
    [
      'questions (Q: … A:)',
      take(world.facts.flatMap((fact) => phrased(fact, trainedPhrasings(fact).filter(isQuestion)))),
    ],
    ['facts under an alias, trained phrasings', take(world.aliasFacts.flatMap((f) => phrased(f, trainedPhrasings(f))))],
    [
      'facts under an alias, held-out phrasings',
      take(world.aliasFacts.flatMap((f) => phrased(f, heldOutPhrasings(f)))),
    ],
    ['inverse, trained phrasings', take(inverse(trainedInverse))],
    [
      'inverse, held-out phrasings',
      take(inverse((fact) => fact.inverseHeldOut.map((index) => fact.relation.inverse[index]!))),
    ],
    ['two-fact questions, trained', take(compositions(false))],
    ['two-fact questions, never trained', take(compositions(true))],
    ['a stated new fact is followed', stated.follow],
    ['a stated fact about another subject is ignored', stated.ignoreOtherSubject],
    ['a stated fact of another relation is ignored', stated.ignoreOtherRelation],
  ]);
}

export async function measureRecall(
  view: View,
  tokenizer: Tokenizer,
  sets: ReadonlyMap<string, readonly Asked[]>,
  onSet?: (name: string) => void,
): Promise<ReadonlyMap<string, Share>> {
  const shares = new Map<string, Share>();
  for (const [name, questions] of sets) {
    onSet?.(name);
    const right = await answeredRight(view, tokenizer, questions);
    shares.set(name, { asked: right.length, right: right.filter(Boolean).length });
  }
  return shares;
}
