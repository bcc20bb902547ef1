// The questions an evaluation asks about an edit, told apart by what each is to show.
import type { Edit, Probe } from '@errata/contracts';

/** A prompt with what is looked for in the reply to it. */
export interface Question {
  /** Whether a reply is held against the answer wanted, or against the parent's reply. */
  readonly about: 'answer' | 'agreement';
  readonly prompt: string;
  /** Without one, agreement is about the parent's own answer. */
  readonly target: string | undefined;
  /** The target and its other spellings: any of them counts in free generation. */
  readonly accepted: readonly string[];
}

/** An edit's questions by role; locality and portability by kind, kinds without questions left out. */
export interface EditQuestions {
  readonly reliability: Question;
  readonly generalization: readonly Question[];
  readonly locality: ReadonlyMap<string, readonly Question[]>;
  readonly portability: ReadonlyMap<string, readonly Question[]>;
}

/** Equal for questions to which a model gives one and the same reply. */
export const questionKey = ({ about, prompt, target }: Omit<Question, 'accepted'>): string =>
  JSON.stringify(target === undefined ? [about, prompt] : [about, prompt, target]);

/**
 * Unrolls an edit. Rephrases expect the edit's own target; a portability probe without a target expects nothing and is left
 * out.
 */
export function questionsOfEdit(edit: Edit): EditQuestions {
  const own = (prompt: string): Question => ({
    about: 'answer',
    prompt,
    target: edit.target_new,
    accepted: [edit.target_new, ...(edit.aliases ?? [])],
  });
  return {
    reliability: own(edit.prompt),
    generalization: edit.rephrases.map(own),
    locality: byKind(edit.locality, 'agreement'),
    portability: byKind(edit.portability, 'answer'),
  };
}

function byKind(
  probes: Readonly<Record<string, readonly Probe[] | undefined>>,
  about: Question['about'],
): Map<string, Question[]> {
  const kinds = new Map<string, Question[]>();
  for (const [kind, group] of Object.entries(probes)) {
    const kept = (group ?? []).filter(({ target }) => about === 'agreement' || target !== undefined);
    if (kept.length === 0) continue;
    kinds.set(
      kind,
      kept.map(({ prompt, target, aliases }) => ({
        about,
        prompt,
        target,
        accepted: target === undefined ? [] : [target, ...(aliases ?? [])],
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
    ];
    for (const question of all) {
      const key = questionKey(question);
      if (!distinct.has(key)) distinct.set(key, question);
    }
  }
  return [...distinct.values()];
}
