// MQuAKE's questions put to a version: the edits, the facts of the chain, and the question that needs all of them.
import { readCandidate, readParent } from '../asking/answers.ts';
import { type Question, questionKey } from '../asking/questions.ts';
import { scoreAnswer } from '../cases/evaluate-candidate.ts';
import type { AcceptedAnswer, DatasetCase, Hop, MultiHopCase } from '../datasets/cases.ts';
import { multiHopScores } from '../metrics/multi-hop.ts';
import type { EvaluationOptions } from '../options.ts';
import { askable, type CaseMeasurements, inOrderOf, measurement, type Probing, sortOut } from './probing.ts';

/** Cases of which no more is needed than what is asked. */
export interface MultiHopProbing extends Omit<Probing, 'cases'> {
  readonly cases: readonly Asking[];
}

interface Asking extends Pick<DatasetCase, 'id' | 'multiHop'> {
  readonly edits: readonly Pick<DatasetCase['edits'][number], 'prompt' | 'target_new' | 'target_true' | 'aliases'>[];
}

/** What is asked of one version about one case. */
interface Chain {
  readonly edits: readonly Question[];
  readonly hops: readonly Question[];
  readonly questions: readonly Question[];
}

/** How a question is put to a model that completes text. */
const asPrompt = (question: string): string => `Q: ${question}\nA:`;

const wanting = (prompt: string, { value, aliases }: AcceptedAnswer): Question => ({
  about: 'answer',
  prompt,
  target: value,
  accepted: [value, ...aliases],
});

const chainOf = (
  edits: readonly Question[],
  hops: readonly Hop[],
  { questions }: MultiHopCase,
  answer: AcceptedAnswer,
): Chain => ({
  edits,
  hops: hops.map((hop) => wanting(hop.cloze, hop.answer)),
  questions: questions.map((question) => wanting(asPrompt(question), answer)),
});

/** The parent is asked for the facts and answers as they were; for an edit's only where it names the true one. */
function chainsOf({ edits, multiHop }: Asking & { readonly multiHop: MultiHopCase }) {
  const { before, after, hops } = multiHop;
  const now = edits.map(({ prompt, target_new, aliases = [] }) => wanting(prompt, { value: target_new, aliases }));
  const then = edits.flatMap(({ prompt, target_true }) =>
    target_true === undefined ? [] : [wanting(prompt, { value: target_true, aliases: [] })],
  );
  return {
    before: chainOf(then.length === edits.length ? then : [], hops.before, multiHop, before),
    after: chainOf(now, hops.after, multiHop, after),
  };
}

const allOf = ({ edits, hops, questions }: Chain): readonly Question[] => [...edits, ...hops, ...questions];

const distinct = (questions: readonly Question[]): readonly Question[] => [
  ...new Map(questions.map((question) => [questionKey(question), question])).values(),
];

/** Metrics `multi_hop.*` of the cases that have multi-hop questions, by free generation. */
export async function measureMultiHop(
  { parent, candidate, tokenizer, cases }: MultiHopProbing,
  options: EvaluationOptions = {},
): Promise<readonly CaseMeasurements[]> {
  const chains = cases.flatMap((each) => {
    const { multiHop } = each;
    return multiHop === undefined ? [] : [{ case_id: each.id, asked: chainsOf({ ...each, multiHop }) }];
  });
  const canBeAsked = askable({ view: parent, tokenizer });
  const { open, failed } = sortOut(chains, ({ before, after }) => canBeAsked([...allOf(before), ...allOf(after)]));
  const then = distinct(open.flatMap(({ asked }) => allOf(asked.before)));
  const now = distinct(open.flatMap(({ asked }) => allOf(asked.after)));
  const replies = {
    before: await readParent({ view: parent, tokenizer }, then, options),
    after: await readCandidate({ view: candidate, tokenizer }, now, new Map(), options),
  };
  const scores = (when: 'before' | 'after', chain: Chain) => {
    const right = (question: Question) => scoreAnswer(question, replies[when].get(questionKey(question))!).exact === 1;
    const { edits, hops, questions } = chain;
    return multiHopScores({ edits: edits.map(right), hops: hops.map(right), questions: questions.map(right) });
  };
  const found = open.map(({ case_id, asked }): CaseMeasurements => {
    const [was, is] = [scores('before', asked.before), scores('after', asked.after)];
    const { edits, hops, questions } = asked.after;
    return {
      case_id,
      measurements: [
        ...measurement('multi_hop.edit_wise', is.editWise, was.editWise, edits.length),
        ...measurement('multi_hop.instance_wise', is.instanceWise, was.instanceWise, hops.length),
        ...measurement('multi_hop.accuracy', is.multiHop, was.multiHop, questions.length),
      ],
      error: null,
    };
  });
  return inOrderOf(cases, [...found, ...failed]);
}
