// The questions an evaluation asks about an edit, told apart by what each is to show.
import { type Edit, type Join, normaliseAnswer, type Probe } from '@errata/contracts';

/** A prompt with what is looked for in the reply to it. */
export interface Question {
  /** Whether a reply is held against the answer wanted or against the parent's reply, or only its probability is looked at. */
  readonly about: 'answer' | 'agreement' | 'probability';
  readonly prompt: string;
  /** Without one, agreement is about the parent's own answer. */
  readonly target: string | undefined;
  /** The target and its other spellings: any of them counts in free generation. */
  readonly accepted: readonly string[];
  /** Whether a space stands between prompt and answer, where somebody has said so. */
  readonly join?: Join | undefined;
}

/** Two answers to one prompt, to see which of them a model finds likelier. */
export interface RivalQuestions {
  /** With the answer that should win as target. */
  readonly wanted: Question;
  readonly unwanted: Question;
}

/** Prompts on which ROME weighs new answer against true, and neighbours whose own answers are weighed against the new one. */
export const rivalRoles = ['efficacy', 'paraphrase', 'neighbourhood', 'neighbourhood_own'] as const;
export type RivalRole = (typeof rivalRoles)[number];

/** An edit's questions by role; locality and portability by kind, kinds without questions left out. */
export interface EditQuestions {
  readonly reliability: Question;
  readonly generalization: readonly Question[];
  readonly locality: ReadonlyMap<string, readonly Question[]>;
  readonly portability: ReadonlyMap<string, readonly Question[]>;
  /** Absent where they were not asked for or the edit names no true answer. */
  readonly rivals?: Rivals;
}

export interface Rivals {
  readonly weighed: Readonly<Record<RivalRole, readonly RivalQuestions[]>>;
  /** Neighbours whose own answer is the new one: nothing can be weighed there. */
  readonly skipped: readonly Probe[];
}

/** Equal for questions to which a model gives one and the same reply: other spellings make it go on for longer. */
export const questionKey = ({ about, prompt, target, accepted, join }: Question): string =>
  JSON.stringify([
    about,
    prompt,
    ...(target === undefined ? [] : [target]),
    ...(about === 'answer' ? accepted : []),
    ...(join === undefined ? [] : [{ join }]),
  ]);

/**
 * Unrolls an edit. Rephrases expect the edit's own target; a portability probe without a target expects nothing and is left
 * out.
 * @param options.rivals also weigh the new answer against the true one, where the edit names it
 */
export function questionsOfEdit(edit: Edit, options: { readonly rivals?: boolean } = {}): EditQuestions {
  const cache = unrolled[options.rivals ? 'withRivals' : 'plain'];
  const questions = cache.get(edit) ?? unroll(edit, options.rivals ?? false);
  cache.set(edit, questions);
  return questions;
}

// An edit is asked about on many versions; its questions are the same objects, so that what is known of them is kept.
const unrolled = { plain: new WeakMap<Edit, EditQuestions>(), withRivals: new WeakMap<Edit, EditQuestions>() };

function unroll(edit: Edit, withRivals: boolean): EditQuestions {
  const own = (prompt: string): Question => ({
    about: 'answer',
    prompt,
    target: edit.target_new,
    accepted: [edit.target_new, ...(edit.aliases ?? [])],
    join: edit.join,
  });
  const rivals = withRivals ? rivalsOf(edit) : undefined;
  return {
    reliability: own(edit.prompt),
    generalization: edit.rephrases.map(own),
    locality: byKind(edit.locality, 'agreement', edit.join),
    portability: byKind(edit.portability, 'answer', edit.join),
    ...(rivals && { rivals }),
  };
}

/** New against true answer on the edit's own prompts; on neighbours, which the edit does not concern, the other way round. */
function rivalsOf(edit: Edit): Rivals | undefined {
  const { prompt, rephrases, locality, target_new, target_true } = edit;
  if (target_true === undefined) return undefined;
  const about = 'probability';
  const weigh = (text: string, wanted: string, unwanted: string, join = edit.join): RivalQuestions => ({
    wanted: { about, prompt: text, target: wanted, accepted: [], join },
    unwanted: { about, prompt: text, target: unwanted, accepted: [], join },
  });
  const isNew = isOneOf([target_new, ...(edit.aliases ?? [])]);
  const isTrue = isOneOf([target_true]);
  const neighbours = locality.neighbourhood ?? [];
  const kept = neighbours.filter(
    ({ target, aliases = [] }) => target === undefined || ![target, ...aliases].some(isNew),
  );
  const differ = kept.some(({ target }) => target !== undefined && !isTrue(target));
  return {
    weighed: {
      efficacy: [weigh(prompt, target_new, target_true)],
      paraphrase: rephrases.map((text) => weigh(text, target_new, target_true)),
      neighbourhood: kept.map((probe) => weigh(probe.prompt, target_true, target_new, probe.join)),
      neighbourhood_own: differ
        ? kept.map((probe) => weigh(probe.prompt, probe.target ?? target_true, target_new, probe.join))
        : [],
    },
    skipped: neighbours.filter((probe) => !kept.includes(probe)),
  };
}

/** Whether a text is one of some answers, as answers are compared. */
function isOneOf(answers: readonly string[]): (text: string) => boolean {
  const known = new Set(answers.map(normaliseAnswer));
  return (text) => known.has(normaliseAnswer(text));
}

function byKind(
  probes: Readonly<Record<string, readonly Probe[] | undefined>>,
  about: Question['about'],
  joinOfEdit: Join | undefined,
): Map<string, Question[]> {
  const kinds = new Map<string, Question[]>();
  for (const [kind, group] of Object.entries(probes)) {
    const kept = (group ?? []).filter(({ target }) => about === 'agreement' || target !== undefined);
    if (kept.length === 0) continue;
    kinds.set(
      kind,
      kept.map(({ prompt, target, aliases, join }) => ({
        about,
        prompt,
        target,
        accepted: target === undefined ? [] : [target, ...(aliases ?? [])],
        join: join ?? joinOfEdit,
      })),
    );
  }
  return kinds;
}

/** All questions of several edits, each asked once. */
export function distinctQuestions(groups: Iterable<EditQuestions>): Question[] {
  const distinct = new Map<string, Question>();
  for (const group of groups) {
    const all = [
      group.reliability,
      ...group.generalization,
      ...[...group.locality.values()].flat(),
      ...[...group.portability.values()].flat(),
      ...Object.values(group.rivals?.weighed ?? {}).flatMap((list) =>
        list.flatMap(({ wanted, unwanted }) => [wanted, unwanted]),
      ),
    ];
    for (const question of all) {
      const key = questionKey(question);
      if (!distinct.has(key)) distinct.set(key, question);
    }
  }
  return [...distinct.values()];
}
