// Edit sets from the world: corrections with the probes that show what they changed, and what they should not have.
import type { EditInput, Probe } from '@errata/contracts';
import { isQuestion, trainedPhrasings, writtenSubject } from '../corpus/sentences.ts';
import { type Random, seeded } from '../random.ts';
import { groupBy } from '../world/group.ts';
import { type Composition, type Fact, fill, type World } from '../world/world.ts';

/** Probes of each kind at most. */
const most = {
  trainedRephrases: 1,
  sharing: 2,
  neighbours: 4,
  otherRelations: 4,
  distracting: 2,
  aliases: 2,
  oneHop: 2,
};

/** An edit of the world, with what it was made from. */
export interface WorldEdit {
  readonly fact: Fact;
  readonly targetNew: string;
  /** The phrasing behind `edit.prompt`, with `{s}` for the subject. */
  readonly phrasing: string;
  readonly edit: EditInput & { readonly subject: string; readonly target_true: string; readonly relation: string };
}

interface Sources {
  readonly world: World;
  readonly aliasFacts: ReadonlyMap<string, readonly Fact[]>;
  readonly compositions: ReadonlyMap<string, readonly Composition[]>;
}

const probeOf = (random: Random, fact: Fact): Probe => ({
  prompt: fill(random.pick(trainedPhrasings(fact)), fact.subject),
  target: fact.object,
});

const sameFact = (fact: Fact) => `${fact.relation.id}\u0000${fact.subject.aliasOf?.name ?? fact.subject.name}`;

function neighboursOf(world: World, random: Random, fact: Fact): Fact[] {
  const others = world.factsByRelation.get(fact.relation.id)!.filter((other) => other.subject !== fact.subject);
  const sharing = random.sample(
    others.filter((other) => other.object === fact.object),
    most.sharing,
  );
  const rest = others.filter((other) => !sharing.includes(other));
  return [...sharing, ...random.sample(rest, most.neighbours - sharing.length)];
}

/** What the edited fact leads on to: the same question asked through the new object. */
function oneHopProbes({ world, compositions }: Sources, random: Random, fact: Fact, targetNew: string): Probe[] {
  const probes: Probe[] = [];
  for (const { second, phrasings } of compositions.get(fact.id) ?? []) {
    const next = world.factsByRelation
      .get(second.relation.id)!
      .find((other) => writtenSubject(other) === targetNew || other.subject.name === targetNew);
    if (next && next.object !== second.object)
      probes.push({ prompt: fill(random.pick(phrasings), fact.subject), target: next.object });
  }
  return random.sample(probes, most.oneHop);
}

function makeEdit(sources: Sources, random: Random, fact: Fact, customId: string): WorldEdit {
  const { world } = sources;
  const targetNew = random.pick(world.objectsByRelation.get(fact.relation.id)!.filter((o) => o !== fact.object));
  const trained = trainedPhrasings(fact);
  const phrasing = random.pick(trained.filter((p) => !isQuestion(p)));
  const prompt = fill(phrasing, fact.subject);
  const rephrasings = [
    ...random.sample(
      trained.filter((p) => p !== phrasing),
      most.trainedRephrases,
    ),
    ...fact.heldOut.map((index) => fact.relation.phrasings[index]!),
  ];
  const neighbours = neighboursOf(world, random, fact);
  const otherRelations = random.sample(
    world.factsBySubject.get(fact.subject)!.filter((other) => other !== fact),
    most.otherRelations,
  );
  const distracting = random.sample(neighbours, most.distracting).map((neighbour): Probe => {
    const probe = probeOf(random, neighbour);
    return { ...probe, prompt: `${prompt} ${targetNew}. ${probe.prompt}` };
  });
  const aliases = random
    .sample(sources.aliasFacts.get(sameFact(fact)) ?? [], 1)
    .flatMap((alias) =>
      random
        .sample(trainedPhrasings(alias), most.aliases)
        .map((p): Probe => ({ prompt: fill(p, alias.subject), target: targetNew })),
    );
  const inverse = random
    .sample(fact.relation.inverse, 1)
    .map((p): Probe => ({ prompt: p.replace('{o}', targetNew), target: writtenSubject(fact) }));
  const oneHop = oneHopProbes(sources, random, fact, targetNew);
  const kept = <K extends string>(groups: Record<K, Probe[]>) =>
    Object.fromEntries(Object.entries<Probe[]>(groups).filter(([, probes]) => probes.length > 0));
  return {
    fact,
    targetNew,
    phrasing,
    edit: {
      custom_id: customId,
      prompt,
      subject: fact.subject.name,
      target_new: targetNew,
      target_true: fact.object,
      relation: fact.relation.id,
      rephrases: rephrasings.map((p) => fill(p, fact.subject)),
      locality: kept({
        neighbourhood: neighbours.map((neighbour) => probeOf(random, neighbour)),
        other_relations: otherRelations.map((other) => probeOf(random, other)),
        distracting,
      }),
      portability: kept({ alias: aliases, inverse, one_hop: oneHop }),
    },
  };
}

/**
 * Draws edits: relations in turn, so that all are there alike; one edit a subject as long as subjects last, and never two of
 * one fact.
 * @throws RangeError where the world has fewer facts than are asked for
 */
export function drawEdits(world: World, count: number, seed: number): WorldEdit[] {
  if (count > world.facts.length)
    throw new RangeError(`${count} edits asked for, the world has ${world.facts.length} facts`);
  const random = seeded('edits', world.seed, seed);
  const sources: Sources = {
    world,
    aliasFacts: groupBy(world.aliasFacts, sameFact),
    compositions: groupBy(world.compositions, (composition) => composition.first.id),
  };
  const decks = random
    .sample([...world.factsByRelation.values()], world.factsByRelation.size)
    .map((facts) => random.sample(facts, facts.length));
  const edited = new Set<unknown>();
  const edits: WorldEdit[] = [];
  for (let fresh = true; edits.length < count; ) {
    let drawn = 0;
    for (const deck of decks) {
      if (edits.length === count) break;
      const at = deck.findIndex(({ subject }) => !fresh || !edited.has(subject));
      if (at < 0) continue;
      const [fact] = deck.splice(at, 1) as [Fact];
      edited.add(fact.subject);
      drawn++;
      edits.push(makeEdit(sources, random, fact, `atlas-${seed}-${String(edits.length + 1).padStart(4, '0')}`));
    }
    if (drawn === 0) fresh = false;
  }
  return edits;
}

/** One edit a line. */
export const toJsonl = (edits: readonly WorldEdit[]): string =>
  edits.map(({ edit }) => `${JSON.stringify(edit)}\n`).join('');
