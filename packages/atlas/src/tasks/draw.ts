// What the tasks ask about: facts spread over the relations, none about a subject that edits touch, and names nobody has heard.
import { drawEdits } from '../edits/edit-set.ts';
import { type Random, seeded } from '../random.ts';
import { groupBy } from '../world/group.ts';
import type { Entity, Fact, World } from '../world/world.ts';

/** What decides the tasks: the same options give the same items. */
export interface TaskOptions {
  readonly seed: number;
  /** Items of each task. */
  readonly count: number;
  /** Names of subjects whose facts no answer may rest on. */
  readonly edited: ReadonlySet<string>;
}

/** Edits that the shipped tasks keep clear of: the longest stream that the shipped model is evaluated on. */
const clearedEdits = 1000;

/** Subjects of the first edits of the default edit set; smaller sets of that seed begin with the same ones. */
const defaultEdited = (world: World): ReadonlySet<string> =>
  new Set(drawEdits(world, clearedEdits, 1).map(({ fact }) => fact.subject.name));

export const defaultTaskOptions = (world: World): TaskOptions => ({
  seed: 1,
  count: 120,
  edited: defaultEdited(world),
});

/** Items of a list in random order, the groups in turn, so that all groups are there alike. */
export function inTurn<T>(random: Random, items: readonly T[], groupOf: (item: T) => string): T[] {
  const decks = [...groupBy(items, groupOf).values()].map((deck) => random.sample(deck, deck.length));
  const drawn: T[] = [];
  for (let round = 0; drawn.length < items.length; round++) {
    for (const deck of random.sample(decks, decks.length)) {
      const item = deck[round];
      if (item !== undefined) drawn.push(item);
    }
  }
  return drawn;
}

/** The random numbers of one task. */
export const taskRandom = (world: World, task: string, { seed }: TaskOptions): Random =>
  seeded('tasks', task, world.seed, seed);

const syllables =
  'ba be bo da de do fa fe ga go ka ke ko la le lo ma me mi mo na ne no pa pe ra re ri ro sa se so ta te to'.split(' ');

/** A subject of a fact's kind that the world does not have: what is said of it is all there is to know. */
export function unheard(world: World, random: Random, fact: Fact): Entity {
  const word = () => {
    const text = Array.from({ length: 2 + random.below(2) }, () => random.pick(syllables)).join('');
    return text.charAt(0).toUpperCase() + text.slice(1);
  };
  for (;;) {
    const name = `${word()} ${word()}`;
    if (!world.entities.some((entity) => entity.name === name)) return { ...fact.subject, name, article: false };
  }
}
