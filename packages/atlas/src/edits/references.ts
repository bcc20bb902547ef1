// Reference texts for an edit set (Meng et al. 2022, section 3.3): what the world says of subjects like the new one, and of the subject.
import { statingPhrasings } from '../corpus/passages.ts';
import { type Random, seeded } from '../random.ts';
import { type Entity, type Fact, fill, type World } from '../world/world.ts';
import type { WorldEdit } from './edit-set.ts';

/** Subjects of which the new target is true, at most; each fact is told in as many wordings. */
const subjects = 3;
const wordings = 2;

interface ReferenceTexts {
  readonly id: string;
  readonly consistency: readonly string[];
  readonly essence: readonly string[];
}

/** Everything the world says of a subject but what is left out, as one text. */
function textAbout(world: World, random: Random, subject: Entity, leftOut?: Fact): string {
  const facts = world.factsBySubject.get(subject)!.filter((fact) => fact !== leftOut);
  return facts
    .flatMap((fact) =>
      random
        .sample(statingPhrasings(fact), wordings)
        .map((phrasing) => `${fill(phrasing, fact.subject)} ${fact.object}.`),
    )
    .join(' ');
}

/** The essence leaves out the fact that is edited: it should become odd. */
export const toReferences = (world: World, edits: readonly WorldEdit[]): readonly ReferenceTexts[] =>
  edits.map(({ fact, targetNew, edit: { custom_id } }) => {
    const random = seeded('references', custom_id);
    const alike = world.factsByRelation.get(fact.relation.id)!.filter(({ object }) => object === targetNew);
    return {
      id: custom_id,
      consistency: random.sample(alike, subjects).map(({ subject }) => textAbout(world, random, subject)),
      essence: [textAbout(world, random, fact.subject, fact)].filter((text) => text !== ''),
    };
  });
