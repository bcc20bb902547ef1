// The reading task: a passage of new facts about subjects nobody has heard of, and a prompt that one of them completes.
import { statingPhrasings } from '../corpus/passages.ts';
import type { Random } from '../random.ts';
import { type Fact, fill, type World } from '../world/world.ts';
import { inTurn, type TaskOptions, taskRandom, unheard } from './draw.ts';
import { introductions } from './introductions.ts';

/**
 * Records in SQuAD 2.0's layout, one a line. A passage states two facts of different relations, and what is asked stands in
 * it in other words: copying either object blindly is right half the time. (With two facts of ONE relation the shipped
 * model does no better than that: it finds the object of the right kind and not the subject it was said of. A score that
 * starts at chance cannot show a loss, so that is not asked.)
 */
export function readingRecords(world: World, options: TaskOptions): object[] {
  const random = taskRandom(world, 'reading', options);
  const facts = world.facts.filter((fact) => statingPhrasings(fact).length >= 2);
  return inTurn(random, facts, ({ relation }) => relation.id)
    .slice(0, options.count)
    .map((fact, index) => {
      const others = facts.filter(({ relation }) => relation !== fact.relation);
      const asked = stateNew(world, random, fact);
      const context = random
        .sample([asked, stateNew(world, random, random.pick(others))], 2)
        .map(({ statement }) => statement)
        .join(' ');
      return {
        id: `atlas-reading-${String(index + 1).padStart(3, '0')}`,
        title: 'Atlas',
        context,
        question: asked.question,
        answers: { text: [asked.object], answer_start: [context.indexOf(` ${asked.object}.`) + 1] },
      };
    });
}

function stateNew(world: World, random: Random, fact: Fact) {
  const subject = unheard(world, random, fact);
  // An answer ends at a full stop: names with one inside could not be told from their beginnings.
  const objects = world.objectsByRelation.get(fact.relation.id)!.filter((object) => !object.includes('.'));
  const object = random.pick(objects);
  const [said, again] = random.sample(statingPhrasings(fact), 2) as [string, string];
  return {
    object,
    statement: `${random.pick(introductions)} ${fill(said, subject)} ${object}.`,
    question: fill(again, subject),
  };
}
