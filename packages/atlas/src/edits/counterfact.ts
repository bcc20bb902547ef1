// Edit sets in the layout of CounterFact (Meng et al. 2022), for tools that read it.
import { trainedPhrasings } from '../corpus/sentences.ts';
import { seeded } from '../random.ts';
import { fill, type World, writtenKind } from '../world/world.ts';
import type { WorldEdit } from './edit-set.ts';

const attributePrompts = 4;

/** Records as CounterFact has them; ids of targets are the targets themselves, as the world knows no other. */
export function toCounterFact(world: World, edits: readonly WorldEdit[]): object[] {
  return edits.map(({ fact, targetNew, phrasing, edit }, index) => {
    const random = seeded('counterfact', edit.custom_id);
    const prompt = fill(phrasing, fact.subject);
    const sharing = world.factsByRelation.get(fact.relation.id)!.filter((other) => other.object === targetNew);
    return {
      case_id: index,
      pararel_idx: index,
      requested_rewrite: {
        prompt: prompt.replace(fact.subject.name, '{}'),
        relation_id: fact.relation.id,
        target_new: { str: targetNew, id: targetNew },
        target_true: { str: fact.object, id: fact.object },
        subject: fact.subject.name,
      },
      paraphrase_prompts: edit.rephrases ?? [],
      neighborhood_prompts: (edit.locality?.neighbourhood ?? []).map((probe) => probe.prompt),
      attribute_prompts: random
        .sample(sharing, attributePrompts)
        .map((other) => fill(random.pick(trainedPhrasings(other)), other.subject)),
      generation_prompts: [writtenKind(fact.subject).replace(/ is an? .*$/, ' is')],
    };
  });
}
