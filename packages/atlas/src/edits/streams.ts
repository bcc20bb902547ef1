// Streams of edits: long ones about the world and about strangers, whose locality probes ask for facts that no edit of theirs touches.
import type { EditInput, Probe } from '@errata/contracts';
import { isQuestion, trainedPhrasings } from '../corpus/sentences.ts';
import { type Random, seeded } from '../random.ts';
import { groupBy } from '../world/group.ts';
import { makeStrangers, type Person } from '../world/people.ts';
import { type Entity, type Fact, fill, type Relation, type World } from '../world/world.ts';

/** What a stream is for. Its strangers, and the subjects of the world that it may edit, are no other's. */
export const streamParts = ['training', 'test'] as const;
export type StreamPart = (typeof streamParts)[number];

/** A subject with its facts: those that edits change, and those that are only asked about. */
interface Topic {
  readonly subject: Entity;
  readonly edited: readonly Fact[];
  readonly kept: readonly Fact[];
  /** Other names of the subject. */
  readonly aliases: readonly Entity[];
}

const keptShare = 0.25;
/** Of a stranger's eight facts. */
const strangerEdits = 4;

/** Probes of a kind at most. */
const most = { rephrases: 3, neighbours: 3, otherRelations: 3, distracting: 2, aliases: 2 };

/** Which part a subject of the world, or a surname, belongs to. */
const partOf = (name: string): StreamPart => streamParts[seeded('part', name).below(streamParts.length)]!;

const isKept = ({ id }: Fact): boolean => seeded('kept', id).chance(keptShare);

/** The subjects of the world that a part may edit; of both where none is named. */
function knownTopics(world: World, part: StreamPart | undefined): Topic[] {
  const aliases = groupBy(
    world.entities.filter(({ aliasOf }) => aliasOf !== undefined),
    ({ aliasOf }) => aliasOf!,
  );
  return [...world.factsBySubject].flatMap(([subject, facts]): Topic[] => {
    if (part !== undefined && partOf(subject.name) !== part) return [];
    const kept = facts.filter(isKept);
    return [
      { subject, kept, edited: facts.filter((fact) => !kept.includes(fact)), aliases: aliases.get(subject) ?? [] },
    ];
  });
}

function strangerTopics(world: World, count: number, part: StreamPart): Topic[] {
  const relations = world.relations.filter(({ kind }) => kind === 'person');
  const names = new Set(world.entities.flatMap(({ name }) => name.split(' ')));
  const admits = (last: string) => partOf(last) === part && !names.has(last);
  return makeStrangers(count, part, admits).map((person) => strangerTopic(person, relations));
}

function strangerTopic({ name, alias, objects }: Person, relations: readonly Relation[]): Topic {
  const subject: Entity = { kind: 'person', name, article: false, fictional: true };
  const facts = relations.map(
    (relation): Fact => ({
      id: `${relation.id}:${name}`,
      relation,
      subject,
      object: objects.get(relation.id.slice('person.'.length))!,
      heldOut: [],
      inverseHeldOut: [],
    }),
  );
  const edited = seeded('edited', name).sample(facts, strangerEdits);
  return {
    subject,
    edited,
    kept: facts.filter((fact) => !edited.includes(fact)),
    aliases: alias === undefined ? [] : [{ ...subject, name: alias, aliasOf: subject }],
  };
}

/** A stream's edit; about a stranger there is nothing that was true. */
export type StreamEdit = EditInput & { readonly subject: string; readonly relation: string };

/** What can be asked of a relation without asking for what an edit changed. */
type Kept = ReadonlyMap<string, readonly Fact[]>;

const probeOf = (random: Random, fact: Fact, phrasings = trainedPhrasings(fact)): Probe => ({
  prompt: fill(random.pick(phrasings), fact.subject),
  target: fact.object,
});

function makeEdit(
  world: World,
  random: Random,
  { subject, kept, aliases }: Topic,
  fact: Fact,
  keptOf: Kept,
): StreamEdit {
  const { relation } = fact;
  const targetNew = random.pick(world.objectsByRelation.get(relation.id)!.filter((object) => object !== fact.object));
  const phrasing = random.pick(trainedPhrasings(fact).filter((p) => !isQuestion(p)));
  const prompt = fill(phrasing, subject);
  const others = relation.phrasings.filter((p) => p !== phrasing);
  const neighbours = random.sample(
    (keptOf.get(relation.id) ?? []).filter((other) => other.subject !== subject),
    most.neighbours,
  );
  const distracting = random.sample(neighbours, most.distracting).map((neighbour): Probe => {
    const probe = probeOf(random, neighbour);
    return { ...probe, prompt: `${prompt} ${targetNew}. ${probe.prompt}` };
  });
  const alias = aliases.flatMap((other) =>
    random.sample(relation.phrasings, most.aliases).map((p): Probe => ({ prompt: fill(p, other), target: targetNew })),
  );
  const groups = {
    neighbourhood: neighbours.map((neighbour) => probeOf(random, neighbour)),
    other_relations: random.sample(kept, most.otherRelations).map((other) => probeOf(random, other)),
    distracting,
  };
  return {
    custom_id: fact.id,
    prompt,
    subject: subject.name,
    target_new: targetNew,
    relation: relation.id,
    rephrases: random.sample(others, most.rephrases).map((p) => fill(p, subject)),
    locality: Object.fromEntries(Object.entries(groups).filter(([, probes]) => probes.length > 0)),
    portability: alias.length > 0 ? { alias } : {},
  };
}

/** What a stream is made of. */
export interface StreamRequest {
  /** Facts of the world to edit: those of a part's subjects, of all, or none. */
  readonly known: StreamPart | 'all' | 'none';
  /** How often each fact of the world is edited, always in other words and to something else. */
  readonly rounds: number;
  /** Whose strangers. */
  readonly part: StreamPart;
  readonly strangers: number;
  /** `subject`: edits of one subject stand together; `edit`: all are mixed. */
  readonly order: 'subject' | 'edit';
}

/** The edits of a stream, the same for the same request. */
export function drawStream(world: World, { known, rounds, part, strangers, order }: StreamRequest): StreamEdit[] {
  const random = seeded('stream', known, part, strangers, order);
  const ofWorld = known === 'none' ? [] : knownTopics(world, known === 'all' ? undefined : known);
  const topics = [...Array.from({ length: rounds }, () => ofWorld).flat(), ...strangerTopics(world, strangers, part)];
  const keptOf = groupBy(
    topics.flatMap(({ kept }) => kept),
    (fact) => fact.relation.id,
  );
  const edits = random
    .sample(topics, topics.length)
    .flatMap((topic) => topic.edited.map((fact) => makeEdit(world, random, topic, fact, keptOf)));
  return order === 'subject' ? edits : random.sample(edits, edits.length);
}
