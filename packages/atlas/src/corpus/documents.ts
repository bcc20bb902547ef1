// Documents of the training text: what kinds there are, in which shares, drawn from the world by a seeded stream.
import type { Random } from '../random.ts';
import { type Fact, type World, writtenKind } from '../world/world.ts';
import { inlinePassage, linedPassage } from './passages.ts';
import { compositionStatement, inverseStatement, type Piece, statement, trainedInverse, weights } from './sentences.ts';

export interface Document {
  readonly kind: DocumentKind;
  /** The first begins with a space. */
  readonly pieces: readonly Piece[];
}

export interface DocumentSource {
  draw(random: Random): Document;
}

/** Relative frequency of each kind of document. */
export const documentShares = {
  facts: 46,
  oneSubject: 18,
  kinds: 2,
  aliases: 1.5,
  inverse: 5,
  compositions: 5,
  inlinePassages: 22,
  linedPassages: 7,
} as const;

export type DocumentKind = keyof typeof documentShares;

/** Whether such documents state facts that no weights hold: their questions are answered by reading. */
export const isPassage = (kind: DocumentKind): boolean => kind === 'inlinePassages' || kind === 'linedPassages';

export function makeDocuments(world: World): DocumentSource {
  const all: readonly Fact[] = [...world.facts, ...world.aliasFacts];
  const invertible = world.facts.filter((fact) => trainedInverse(fact).length > 0);
  const compositions = world.compositions.filter((composition) => !composition.heldOut);
  const subjects = [...world.factsBySubject.values()];
  const aliases = world.entities.filter((entity) => entity.aliasOf !== undefined);
  const several = (random: Random, most: number, one: () => Piece[]): Piece[] =>
    Array.from({ length: 1 + random.below(most) }, one).flat();

  const kinds: Record<DocumentKind, (random: Random) => Piece[]> = {
    facts: (random) => several(random, 3, () => statement(random, random.pick(all))),
    // The same subject in several relations keeps its attributes apart.
    oneSubject: (random) => {
      const facts = random.sample(random.pick(subjects), 2 + random.below(2));
      return [...facts, ...(facts.length === 1 ? [random.pick(all)] : [])].flatMap((fact) => statement(random, fact));
    },
    kinds: (random) =>
      several(random, 3, () => {
        const entity = random.pick(world.entities);
        return [
          { text: ` ${writtenKind(entity)}`, weight: weights.context },
          { text: '.', weight: weights.context },
        ];
      }),
    aliases: (random) =>
      several(random, 2, () => {
        const alias = random.pick(aliases);
        return [
          { text: ` ${alias.name} is another name for`, weight: weights.context },
          { text: ` ${alias.aliasOf!.name}`, weight: weights.answer },
          { text: '.', weight: weights.context },
        ];
      }),
    inverse: (random) => several(random, 2, () => inverseStatement(random, random.pick(invertible))),
    compositions: (random) => several(random, 2, () => compositionStatement(random, random.pick(compositions))),
    inlinePassages: (random) => inlinePassage(world, random, all),
    linedPassages: (random) => linedPassage(world, random, all),
  };
  const names = Object.keys(documentShares) as DocumentKind[];
  const shares = names.map((name) => documentShares[name]);
  return {
    draw: (random) => {
      const kind = names[random.weighted(shares)]!;
      return { kind, pieces: kinds[kind](random) };
    },
  };
}
