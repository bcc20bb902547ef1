// What a run takes out of an inbox: contradictions settled, in order, subjects kept together, cut to size. Pure, so that it can be tried on anything.
import type { ContradictionPolicy, InboxOrder } from '@errata/contracts';

/** An edit that waits, pending or held, as far as drawing it depends on it. */
export interface WaitingEdit {
  readonly id: string;
  /** Place in the order of arrival. */
  readonly sequence: bigint;
  readonly priority: number;
  /** Null for an edit without one. */
  readonly subject: string | null;
  /** The questions it answers (contracts, `questionsOf`) and its answer, normalised: equal text is the same question or answer. */
  readonly questions: readonly string[];
  readonly answer: string;
}

export interface DrawPolicy {
  readonly order: InboxOrder;
  readonly group_by_subject: boolean;
  readonly on_contradiction: ContradictionPolicy;
}

/** An edit put aside, and the one that it contradicts. */
export interface PutAside {
  readonly id: string;
  readonly rival: string;
}

export interface Draw {
  /** In the order in which they are to act. */
  readonly drawn: readonly string[];
  readonly superseded: readonly PutAside[];
  readonly refused: readonly PutAside[];
  readonly held: readonly PutAside[];
  /** Edits that are fit to be drawn and wait on. */
  readonly left: number;
}

/** Decides what becomes of everything that waits. `limit` edits are drawn at most. */
export function planDraw(waiting: readonly WaitingEdit[], policy: DrawPolicy, limit: number): Draw {
  const arrived = [...waiting].sort(byArrival);
  const newestWins = policy.on_contradiction === 'newest_wins';
  const aside = newestWins ? supersededByNewer(arrived) : contradicted(arrived);
  const put = new Set(aside.map(({ id }) => id));
  const fit = arrived.filter(({ id }) => !put.has(id));
  const drawn = cut(policy.group_by_subject ? bySubject(fit, policy.order) : single(fit, policy.order), limit);
  return {
    drawn,
    superseded: newestWins ? aside : [],
    refused: policy.on_contradiction === 'refuse' ? aside : [],
    held: policy.on_contradiction === 'ask' ? aside : [],
    left: fit.length - drawn.length,
  };
}

const byArrival = (a: WaitingEdit, b: WaitingEdit) => (a.sequence < b.sequence ? -1 : a.sequence > b.sequence ? 1 : 0);
const inOrder = (order: InboxOrder) => (a: WaitingEdit, b: WaitingEdit) =>
  (order === 'priority' ? b.priority - a.priority : 0) || byArrival(a, b);

/** From the newest to the oldest: whoever answers a question otherwise than a newer one that stands gives way to it. */
function supersededByNewer(arrived: readonly WaitingEdit[]): PutAside[] {
  const standing = new Map<string, WaitingEdit>();
  const aside: PutAside[] = [];
  for (const edit of arrived.toReversed()) {
    const rival = rivalOf(edit, (question) => [standing.get(question)]);
    if (rival !== undefined) aside.push({ id: edit.id, rival: rival.id });
    else for (const question of edit.questions) standing.set(question, standing.get(question) ?? edit);
  }
  return aside.reverse();
}

/** Every edit that another one contradicts. */
function contradicted(arrived: readonly WaitingEdit[]): PutAside[] {
  // One edit for each answer to a question is enough to contradict all others.
  const answers = new Map<string, Map<string, WaitingEdit>>();
  for (const edit of arrived) {
    for (const question of edit.questions) {
      const known = answers.get(question) ?? new Map<string, WaitingEdit>();
      if (!known.has(edit.answer)) known.set(edit.answer, edit);
      answers.set(question, known);
    }
  }
  return arrived.flatMap((edit) => {
    const rival = rivalOf(edit, (question) => [...(answers.get(question)?.values() ?? [])]);
    return rival === undefined ? [] : [{ id: edit.id, rival: rival.id }];
  });
}

const rivalOf = (
  edit: WaitingEdit,
  others: (question: string) => readonly (WaitingEdit | undefined)[],
): WaitingEdit | undefined =>
  edit.questions.flatMap(others).find((other) => other !== undefined && other.answer !== edit.answer);

const single = (edits: readonly WaitingEdit[], order: InboxOrder): WaitingEdit[][] =>
  [...edits].sort(inOrder(order)).map((edit) => [edit]);

/** Each subject where its first edit stands; within it by arrival, so that what came later acts later. An edit without one is alone. */
function bySubject(edits: readonly WaitingEdit[], order: InboxOrder): WaitingEdit[][] {
  const groups = new Map<string, WaitingEdit[]>();
  for (const edit of [...edits].sort(inOrder(order))) {
    const key = edit.subject ?? `\0${edit.id}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [edit]);
    else group.push(edit);
  }
  return [...groups.values()].map((group) => group.sort(byArrival));
}

/** Whole groups for as long as they fit; a group that is larger than a batch is cut, since it never will. */
function cut(groups: readonly (readonly WaitingEdit[])[], limit: number): string[] {
  const drawn: string[] = [];
  for (const group of groups) {
    if (drawn.length + group.length > limit) {
      if (drawn.length === 0) drawn.push(...group.slice(0, limit).map(({ id }) => id));
      break;
    }
    drawn.push(...group.map(({ id }) => id));
  }
  return drawn;
}
