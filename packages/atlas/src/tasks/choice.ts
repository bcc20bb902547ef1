// The multiple-choice task: a prompt of the world and four objects of its relation, one of them right.
import { trainedPhrasings } from '../corpus/sentences.ts';
import { fill, type World } from '../world/world.ts';
import { inTurn, type TaskOptions, taskRandom } from './draw.ts';

const optionCount = 4;
const letters = 'ABCD';

/** Records in CommonsenseQA's layout; the concept is the relation. */
export function choiceRecords(world: World, options: TaskOptions): object[] {
  const random = taskRandom(world, 'choice', options);
  const objectsOf = (relation: string) => world.objectsByRelation.get(relation)!;
  const facts = world.facts.filter(
    ({ subject, relation }) => !options.edited.has(subject.name) && objectsOf(relation.id).length >= optionCount,
  );
  return inTurn(random, facts, ({ relation }) => relation.id)
    .slice(0, options.count)
    .map((fact, index) => {
      const others = objectsOf(fact.relation.id).filter((object) => object !== fact.object);
      const shown = random.sample([fact.object, ...random.sample(others, optionCount - 1)], optionCount);
      return {
        id: `atlas-choice-${String(index + 1).padStart(3, '0')}`,
        question: {
          question_concept: fact.relation.id,
          choices: shown.map((text, option) => ({ label: letters[option], text })),
          stem: fill(random.pick(trainedPhrasings(fact)), fact.subject),
        },
        answerKey: letters[shown.indexOf(fact.object)],
      };
    });
}
