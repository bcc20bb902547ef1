// Multi-hop accuracy: whether edited facts are used where an answer follows from several of them (MQuAKE).

/** What a model got right of one instance: a chain of facts, some of them edited, and the questions that need the chain. */
export interface MultiHopAnswers {
  /** Of each edit: whether the question about it alone was answered with the new target. */
  readonly edits: readonly boolean[];
  /** Of each fact of the chain, edited or not: whether the question about it alone was answered as after the edits. */
  readonly hops: readonly boolean[];
  /** Of each wording of the multi-hop question: whether it was answered with the new answer or an alias of it. */
  readonly questions: readonly boolean[];
}

/** The three accuracies of one instance, each null where the instance has nothing of the kind. */
export interface MultiHopScores {
  /** Fraction of the edits that were recalled. */
  readonly editWise: number | null;
  /** 1 where every single fact of the chain was recalled: what the multi-hop answer needs. */
  readonly instanceWise: number | null;
  /** 1 where at least one wording of the question was answered rightly. */
  readonly multiHop: number | null;
}

/** Zhong et al. 2023 (MQuAKE), evaluation metrics: edit-wise, instance-wise and multi-hop accuracy of one instance. */
export function multiHopScores({ edits, hops, questions }: MultiHopAnswers): MultiHopScores {
  const where = <T>(list: readonly boolean[], value: (list: readonly boolean[]) => T): T | null =>
    list.length === 0 ? null : value(list);
  return {
    editWise: where(edits, (list) => list.filter(Boolean).length / list.length),
    instanceWise: where(hops, (list) => (list.every(Boolean) ? 1 : 0)),
    multiHop: where(questions, (list) => (list.some(Boolean) ? 1 : 0)),
  };
}
