// The world: all facts, real and fictional, with their phrasings, aliases, inverses and two-fact compositions.
import { seeded } from '../random.ts';
import { compositionTables } from './compositions.ts';
import { groupBy } from './group.ts';
import { makePeople, personRelations } from './people.ts';
import { parseRows, type RelationTable } from './theme.ts';
import { themes } from './themes.ts';

/** Something facts are about. `name` is what an edit calls its subject; `article` says that sentences put "the" before it. */
export interface Entity {
  readonly kind: string;
  readonly name: string;
  readonly article: boolean;
  /** Real things come from general knowledge, fictional ones from the seed. */
  readonly fictional: boolean;
  /** Set for another name of an entity; its facts are those of the other. */
  readonly aliasOf?: Entity;
}

export interface Relation {
  /** `kind.name`, e.g. `country.capital`. */
  readonly id: string;
  readonly kind: string;
  readonly objectKind: string | undefined;
  readonly phrasings: readonly string[];
  readonly inverse: readonly string[];
}

/** One fact, or one fact under an alias of its subject. */
export interface Fact {
  readonly id: string;
  readonly relation: Relation;
  readonly subject: Entity;
  readonly object: string;
  /** Phrasings of the relation that training never shows for this fact. */
  readonly heldOut: readonly number[];
  /** Inverse phrasings that training never shows for this fact. */
  readonly inverseHeldOut: readonly number[];
}

/** A question that takes two facts to answer. */
export interface Composition {
  readonly first: Fact;
  readonly second: Fact;
  readonly phrasings: readonly string[];
  /** Never shown in training under any phrasing. */
  readonly heldOut: boolean;
}

export interface World {
  readonly seed: number;
  readonly entities: readonly Entity[];
  readonly relations: readonly Relation[];
  /** Facts under the subjects' own names. */
  readonly facts: readonly Fact[];
  /** The same facts under aliases. */
  readonly aliasFacts: readonly Fact[];
  readonly compositions: readonly Composition[];
  /** All facts of a relation, by relation id. */
  readonly factsByRelation: ReadonlyMap<string, readonly Fact[]>;
  /** All facts of a subject (not of its aliases). */
  readonly factsBySubject: ReadonlyMap<Entity, readonly Fact[]>;
  /** Distinct objects of a relation, by relation id. */
  readonly objectsByRelation: ReadonlyMap<string, readonly string[]>;
}

const worldSeed = 1;
const peopleCount = 220;
const heldOutPhrasings = 2;
const heldOutCompositionShare = 0.2;

const entityOf = (kind: string, written: string, fictional = false, aliasOf?: Entity): Entity => {
  const article = written.startsWith('the ');
  return { kind, name: article ? written.slice(4) : written, article, fictional, ...(aliasOf ? { aliasOf } : {}) };
};

const relationOf = (kind: string, table: RelationTable): Relation => ({
  id: `${kind}.${table.name}`,
  kind,
  objectKind: table.objectKind,
  phrasings: table.phrasings,
  inverse: table.inverse ?? [],
});

/** Fills a phrasing with its subject; "the" becomes "The" where the sentence starts with it. */
export function fill(phrasing: string, entity: Entity, slot = '{s}'): string {
  const written = entity.article ? `the ${entity.name}` : entity.name;
  // "the {s}" in the phrasing already brings the article.
  const text = phrasing.replace(new RegExp(`the ${slot}`, 'i'), (match) =>
    entity.article ? match.slice(0, 4) + entity.name : match,
  );
  const filled = text.replace(slot, written);
  return filled.startsWith('the ') ? `T${filled.slice(1)}` : filled;
}

/** Builds the world; the same seed gives the same world. */
export function buildWorld(seed: number = worldSeed): World {
  const entities: Entity[] = [];
  const relations: Relation[] = [];
  const facts: Fact[] = [];
  const aliasFacts: Fact[] = [];

  const addFact = (list: Fact[], relation: Relation, subject: Entity, object: string) => {
    const id = `${relation.id}:${subject.name}`;
    const random = seeded('held-out', seed, id);
    const indices = relation.phrasings.map((_, index) => index);
    list.push({
      id,
      relation,
      subject,
      object,
      heldOut: random.sample(indices, heldOutPhrasings).sort((a, b) => a - b),
      inverseHeldOut: relation.inverse.length > 1 ? [random.below(relation.inverse.length)] : [],
    });
  };

  for (const theme of themes) {
    const ofTheme = theme.relations.map((table) => relationOf(theme.name, table));
    relations.push(...ofTheme);
    const byWritten = new Map<string, Entity>();
    const cellsOf = new Map<Entity, readonly string[]>();
    const addRow = (list: Fact[], subject: Entity, objects: readonly string[]) => {
      for (const [index, relation] of ofTheme.entries()) {
        const object = objects[index]!;
        if (object !== '-') addFact(list, relation, subject, object);
      }
    };
    for (const [written, ...objects] of parseRows(theme.rows, theme.relations.length + 1, theme.name)) {
      const subject = entityOf(theme.name, written!);
      if (byWritten.has(written!)) throw new Error(`${theme.name}: ${written} occurs twice`);
      byWritten.set(written!, subject);
      cellsOf.set(subject, objects);
      entities.push(subject);
      addRow(facts, subject, objects);
    }
    for (const [written, alias] of parseRows(theme.aliases ?? '', 2, `${theme.name} aliases`)) {
      const subject = byWritten.get(written!);
      if (!subject) throw new Error(`${theme.name}: the alias ${alias} is for ${written}, which has no row`);
      const other = entityOf(theme.name, alias!, false, subject);
      entities.push(other);
      addRow(aliasFacts, other, cellsOf.get(subject)!);
    }
  }

  const ofPeople = personRelations.map((table) => relationOf('person', table));
  relations.push(...ofPeople);
  const words = new Set(facts.flatMap((fact) => [...fact.subject.name.split(' '), ...fact.object.split(' ')]));
  for (const person of makePeople(peopleCount, seed, words)) {
    const subject = entityOf('person', person.name, true);
    const alias = person.alias === undefined ? undefined : entityOf('person', person.alias, true, subject);
    entities.push(subject, ...(alias ? [alias] : []));
    for (const relation of ofPeople) {
      const object = person.objects.get(relation.id.slice('person.'.length));
      if (object === undefined) continue;
      addFact(facts, relation, subject, object);
      if (alias) addFact(aliasFacts, relation, alias, object);
    }
  }

  const factsByRelation = groupBy(facts, (fact) => fact.relation.id);
  const objectsByRelation = new Map(
    [...factsByRelation].map(([id, list]) => [id, [...new Set(list.map((fact) => fact.object))]]),
  );
  return {
    seed,
    entities,
    relations,
    facts,
    aliasFacts,
    compositions: compose(seed, factsByRelation),
    factsByRelation,
    factsBySubject: groupBy(facts, (fact) => fact.subject),
    objectsByRelation,
  };
}

function compose(seed: number, factsByRelation: ReadonlyMap<string, readonly Fact[]>): Composition[] {
  const compositions: Composition[] = [];
  for (const { first, second, phrasings } of compositionTables) {
    const following = new Map((factsByRelation.get(second) ?? []).map((fact) => [fact.subject.name, fact] as const));
    for (const fact of factsByRelation.get(first) ?? []) {
      const next = following.get(fact.object.replace(/^the /, ''));
      if (!next) continue;
      const heldOut = seeded('composition', seed, fact.id, second).chance(heldOutCompositionShare);
      compositions.push({ first: fact, second: next, phrasings, heldOut });
    }
  }
  return compositions;
}

const kindNames: Readonly<Record<string, string>> = {
  music: 'a piece of music',
  program: 'a program',
  dish: 'a dish',
  god: 'a deity',
  element: 'an element',
  animal: 'an animal',
  athlete: 'an athlete',
  artist: 'an artist',
  invention: 'an invention',
  instrument: 'an instrument',
  university: 'a university',
  car: 'a car model',
};

/** What an entity is, as a sentence without its full stop: "France is a country". */
export function writtenKind(entity: Entity): string {
  return `${fill('{s}', entity)} is ${kindNames[entity.kind] ?? `a ${entity.kind}`}`;
}
