// Evaluates one stored version against another.
import { type EditWork, evaluateCandidate as evaluate, gateValues, readHeldText } from '@errata/evaluation';
import type { CallContext } from './context.ts';
import type { OpenModel } from './model-store.ts';
import type { ParamsOf, ResultOf } from './protocol.ts';

export async function evaluateCandidate(
  open: OpenModel,
  params: ParamsOf<'evaluateCandidate'>,
  context: CallContext,
): Promise<ResultOf<'evaluateCandidate'>> {
  const { parent, candidate, edits } = params;
  const corpus = params.corpus ?? (await open.corpus());
  const { perEdit, summary } = await evaluate(
    {
      parent: await open.view(parent),
      candidate: await open.view(candidate),
      tokenizer: open.tokenizer(),
      edits,
      work: workOf(params),
      cache: open.answers(parent),
      ...(corpus !== undefined && { heldText: await readHeldText(corpus) }),
      ...(params.edit_seconds !== undefined && { editSeconds: params.edit_seconds }),
    },
    context,
  );
  return { results: perEdit, summary, gate_values: gateValues(summary) };
}

function workOf({ edits, diagnostics, failures = [] }: ParamsOf<'evaluateCandidate'>): readonly EditWork[] {
  const errors = new Map(failures.map(({ position, error }) => [position, error]));
  return edits.map((_, position) => {
    const error = errors.get(position);
    return { diagnostics: diagnostics?.[position] ?? {}, ...(error !== undefined && { error }) };
  });
}
