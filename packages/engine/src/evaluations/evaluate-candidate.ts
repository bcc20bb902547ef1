// Evaluates one stored version against another, and measures what a gate looks at.
import { looksAtRivals } from '@errata/contracts';
import { type EvaluationInput, evaluateCandidate as evaluate, measureForGate, readHeldText } from '@errata/evaluation';
import type { ParamsOf, ResultOf } from '../calls/index.ts';
import type { CallContext } from '../context.ts';
import type { OpenModel } from '../models/model-store.ts';

export async function evaluateCandidate(
  open: OpenModel,
  params: ParamsOf<'evaluateCandidate'>,
  context: CallContext,
): Promise<ResultOf<'evaluateCandidate'>> {
  const { parent, candidate, edits, gate } = params;
  const heldText = gate?.policy.held_text ?? (await corpusText(open, params.corpus));
  const input: EvaluationInput = {
    parent: await open.view(parent),
    candidate: await open.view(candidate),
    tokenizer: open.tokenizer(),
    edits,
    cache: open.answers(parent),
    ...(gate !== undefined && looksAtRivals(gate.policy) && { rivals: true }),
    ...(heldText !== undefined && { heldText }),
    ...(params.outcomes !== undefined && { outcomes: params.outcomes }),
    ...(params.edit_seconds !== undefined && { editSeconds: params.edit_seconds }),
  };
  const evaluation = await evaluate(input, context);
  const measured = await measureForGate(
    evaluation,
    input,
    {
      policy: gate?.policy ?? { rules: [] },
      ...(gate?.base !== undefined && { base: await open.view(gate.base) }),
      ...(gate?.edit_norms !== undefined && { editNorms: gate.edit_norms }),
      ...(gate?.earlier_norms !== undefined && { earlierNorms: gate.earlier_norms }),
    },
    context,
  );
  return { results: evaluation.perEdit, summary: evaluation.summary, measured };
}

async function corpusText(open: OpenModel, given: string | undefined): Promise<string | undefined> {
  const path = given ?? (await open.corpus());
  return path === undefined ? undefined : readHeldText(path);
}
