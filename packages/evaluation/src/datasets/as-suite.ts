// An editing case as a suite: what a model that holds the edit should answer, question by question.
import type { Probe } from '@errata/contracts';
import type { DatasetCase } from './cases.ts';
import type { QuestionItem } from './items.ts';

/** The questions of a case with a right answer known; `role` says what each is for. Locality without an answer is left out. */
export function questionsOfCase({ id, edits, multiHop }: DatasetCase): readonly QuestionItem[] {
  const items: QuestionItem[] = [];
  const ask = (of: string, role: string, prompt: string, answers: readonly string[]) => {
    items.push({ kind: 'question', id: `${of}/${role}/${items.length}`, prompt, answers, role });
  };
  for (const edit of edits) {
    const { custom_id, prompt, target_new, aliases = [], rephrases } = edit;
    const wanted = [target_new, ...aliases];
    ask(custom_id, 'edit', prompt, wanted);
    for (const rephrase of rephrases) ask(custom_id, 'rephrase', rephrase, wanted);
    for (const group of ['locality', 'portability'] as const) {
      const probes: Readonly<Record<string, readonly Probe[] | undefined>> = edit[group];
      for (const [kind, of] of Object.entries(probes)) {
        for (const { prompt, target, aliases = [] } of of ?? []) {
          if (target !== undefined) ask(custom_id, `${group}.${kind}`, prompt, [target, ...aliases]);
        }
      }
    }
  }
  for (const question of multiHop?.questions ?? []) {
    ask(id, 'multi_hop', question, [multiHop!.after.value, ...multiHop!.after.aliases]);
  }
  return items;
}
