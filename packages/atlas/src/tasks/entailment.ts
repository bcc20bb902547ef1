// The entailment task: what follows from a new fact about a subject nobody has heard of, and what does not.

import { statingPhrasings } from '../corpus/passages.ts';
import { isQuestion } from '../corpus/sentences.ts';
import type { Random } from '../random.ts';
import { groupBy } from '../world/group.ts';
import { type Composition, type Entity, fill, type World } from '../world/world.ts';
import { inTurn, type TaskOptions, taskRandom, unheard } from './draw.ts';
import { introductions } from './introductions.ts';

/** What is said, what follows from it, and the same with another object. */
interface Inference {
  readonly genre: 'restated' | 'composed';
  readonly premise: string;
  readonly follows: string;
  readonly contradicts: string;
}

/**
 * Records in ANLI's layout. Half of them say the premise again in other words (`restated`); for the other half a fact of
 * the world has to be added to it (`composed`: who lives in Rome lives in a city in Italy). Beside each hypothesis stands
 * the same sentence with another object, which has the opposite truth: the two differ in nothing else.
 */
export function entailmentRecords(world: World, options: TaskOptions): object[] {
  const random = taskRandom(world, 'entailment', options);
  const half = Math.ceil(options.count / 2);
  const inferences = [
    ...restated(world, random, half),
    ...composed(world, random, options.count - half, options.edited),
  ];
  // Every other one of each kind is a contradiction.
  return inferences.map(({ genre, premise, follows, contradicts }, index) => ({
    uid: `atlas-entailment-${String(index + 1).padStart(3, '0')}`,
    genre,
    premise,
    ...(index % 2 === 0
      ? { hypothesis: follows, contrast: contradicts, label: 'e' }
      : { hypothesis: contradicts, contrast: follows, label: 'c' }),
  }));
}

const sentence = (phrasing: string, subject: Entity, object: string): string => `${fill(phrasing, subject)} ${object}.`;

function restated(world: World, random: Random, count: number): Inference[] {
  const facts = world.facts.filter((fact) => statingPhrasings(fact).length >= 2);
  return inTurn(random, facts, ({ relation }) => relation.id)
    .slice(0, count)
    .map((fact) => {
      const [said, again] = random.sample(statingPhrasings(fact), 2) as [string, string];
      const [object, other] = random.sample(world.objectsByRelation.get(fact.relation.id)!, 2) as [string, string];
      const subject = unheard(world, random, fact);
      return {
        genre: 'restated',
        premise: `${random.pick(introductions)} ${sentence(said, subject, object)}`,
        follows: sentence(again, subject, object),
        contradicts: sentence(again, subject, other),
      };
    });
}

function composed(world: World, random: Random, count: number, edited: ReadonlySet<string>): Inference[] {
  const pathOf = ({ first, second }: Composition) => `${first.relation.id} ${second.relation.id}`;
  const known = groupBy(
    world.compositions.filter(({ second }) => !edited.has(second.subject.name)),
    pathOf,
  );
  const othersOf = (composition: Composition) =>
    known.get(pathOf(composition))!.filter(({ second }) => second.object !== composition.second.object);
  const usable = [...known.values()].flat().filter((composition) => othersOf(composition).length > 0);
  return inTurn(random, usable, pathOf)
    .slice(0, count)
    .map((composition) => {
      const { first, second, phrasings } = composition;
      const subject = unheard(world, random, first);
      const again = random.pick(phrasings.filter((phrasing) => !isQuestion(phrasing)));
      const said = random.pick(statingPhrasings(first));
      return {
        genre: 'composed',
        premise: `${random.pick(introductions)} ${sentence(said, subject, first.object)}`,
        follows: sentence(again, subject, second.object),
        contradicts: sentence(again, subject, random.pick(othersOf(composition)).second.object),
      };
    });
}
