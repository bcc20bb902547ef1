// What IKE shows a model in front of a prompt: demonstrations of its three kinds, the most similar to the correction last, and the correction.
import { indexRows, layOut, similarRows, type Tokenizer } from '@errata/models';
import type { Demonstration } from '../../artefacts/demonstrations/demonstrations.ts';
import type { EditRequest } from '../../editor.ts';
import type { IkeSettings } from './settings.ts';

type Kind = 'copy' | 'update' | 'retain';
const kinds: readonly Kind[] = ['retain', 'update', 'copy'];

/**
 * The kinds of so many demonstrations of each, mixed as evenly as they go: at every place the kind that is furthest behind its share.
 * Where only the first of them fit, they come in about the same ratio.
 */
export function mixedKinds(wanted: Readonly<Record<Kind, number>>): readonly Kind[] {
  const total = kinds.reduce((sum, kind) => sum + wanted[kind], 0);
  const given = { copy: 0, update: 0, retain: 0 };
  return Array.from({ length: total }, (_, place) => {
    const behind = (kind: Kind) => (wanted[kind] * (place + 1)) / total - given[kind];
    const next = kinds
      .filter((kind) => given[kind] < wanted[kind])
      .reduce((best, kind) => (behind(kind) > behind(best) ? kind : best));
    given[next]++;
    return next;
  });
}

/** A pool of demonstrations, and what finds those similar to a statement. */
export interface DemonstrationPool {
  /** The most similar ones first. */
  readonly nearest: (statement: string) => readonly Demonstration[];
}

export function openPool(tokenizer: Tokenizer, demonstrations: readonly Demonstration[]): DemonstrationPool {
  const statements = demonstrations.map(({ prompt, target_new }) => layOut(tokenizer, prompt, target_new).text);
  const index = indexRows(
    statements.map((prompt, place) => ({ prompt, subject: '', text: `${place}`, threshold: 0, top_k: 1 })),
  );
  return {
    nearest: (statement) =>
      similarRows(index, statement)
        .map(({ row, similarity }) => ({ place: Number(row.text), similarity }))
        .sort((a, b) => b.similarity - a.similarity || a.place - b.place)
        .map(({ place }) => demonstrations[place]!),
  };
}

/** A demonstration of a kind; which of its rephrases and neighbours, its place says. */
function shown(
  tokenizer: Tokenizer,
  { prompt, target_new, rephrases, neighbours }: Demonstration,
  kind: Kind,
  place: number,
  { template, separator }: IkeSettings,
): string {
  const fact = layOut(tokenizer, prompt, target_new).text;
  const neighbour = neighbours[place % neighbours.length]!;
  const answered =
    kind === 'copy'
      ? fact
      : kind === 'update'
        ? layOut(tokenizer, rephrases[place % rephrases.length]!, target_new).text
        : layOut(tokenizer, neighbour.prompt, neighbour.target).text;
  return filled(template, fact, answered) + separator;
}

const filled = (template: string, fact: string, prompt: string): string =>
  template.replaceAll('{fact}', () => fact).replace(/\{prompt\}$/, () => prompt);

/**
 * What stands in front of a prompt that a correction is shown to (Zheng et al. 2023, section 3). Demonstrations about the correction's
 * own prompt or subject are not taken. The least similar ones are left out where all do not fit.
 * @param longest tokens of it
 */
export function frontOf(
  tokenizer: Tokenizer,
  pool: DemonstrationPool,
  { prompt, subject, target_new, join }: EditRequest,
  config: IkeSettings,
  longest: number,
): string {
  const fact = layOut(tokenizer, prompt, target_new, { join }).text;
  const order = mixedKinds(config);
  const others = pool
    .nearest(fact)
    .filter((one) => one.prompt !== prompt && (subject === undefined || one.subject !== subject));
  const own = config.own ? filled(config.template, fact, fact) + config.separator : '';
  let front = own + filled(config.template, fact, '');
  for (const [place, kind] of order.entries()) {
    const demonstration = others[place];
    if (demonstration === undefined) break;
    const longer = shown(tokenizer, demonstration, kind, place, config) + front;
    if (tokenizer.encode(longer).length > longest) break;
    front = longer;
  }
  return front;
}
